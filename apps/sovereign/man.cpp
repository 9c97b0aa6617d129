// sovereign man: the manual page, made from the tree of commands and the table of settings.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <string>

#include "base/build_info.h"
#include "command.h"
#include "command_tree.h"
#include "config/key_table.h"

namespace sovereign {
namespace {

// Text for roff: no control lines, no escapes, hyphens that stay hyphens.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

void option_line(const OptionDoc& option, std::string& out) {
  const std::string name =
      option.names.empty() ? option.positional : fmt::format("{}", fmt::join(option.names, ", "));
  out += ".TP\n\\fB" + roff(name) + "\\fR";
  if (!option.type.empty() && !option.names.empty()) out += " \\fI" + roff(option.type) + "\\fR";
  out += "\n" + roff(option.help) + "\n";
}

// Options that stand for settings are described once, under CONFIGURATION.
void commands(const CommandDoc& root, std::string& out) {
  out += ".SH COMMANDS\n";
  for_each_command(root, [&](const CommandDoc& command) {
    if (!command.subcommands.empty()) return;
    out += ".SS " + roff(command.path) + "\n" + roff(command.help) + ".\n";
    bool settings = false;
    for (const OptionDoc& option : command.options) {
      if (option.names.size() == 2 && option.names.front() == "-h") continue;
      if (option.group.starts_with("Settings")) {
        settings = true;
      } else {
        option_line(option, out);
      }
    }
    if (settings) out += ".PP\nTakes settings as flags, see CONFIGURATION.\n";
  });
}

void configuration(std::string& out) {
  out +=
      ".SH CONFIGURATION\n"
      "Each setting can be given in the configuration file (TOML), by an environment variable and by a flag; "
      "a flag wins over the environment, that over the file, that over the default. Unknown keys and wrong "
      "values are errors. \\fBsovereign config example\\fR prints a commented file.\n";
  const config::Settings defaults;
  for (const config::Section& section : config::all_sections()) {
    out += fmt::format(".SS [{}]\n{}\n", section.name, roff(section.help));
    for (const config::Key& key : config::all_keys()) {
      if (key.section() != section.name) continue;
      out +=
          fmt::format(".TP\n\\fB{}\\fR ({})\n{} Default: {}. Environment: {}. Flags: {}{}.\n", roff(key.name),
                      roff(config::describe_type(key)), roff(key.help),
                      roff(config::to_toml(key, key.get(defaults))), roff(config::environment_name(key.name)),
                      roff(key.long_flag()), key.flag.empty() ? "" : ", " + roff(key.flag));
    }
  }
}

std::string man_page(const CommandDoc& root) {
  std::string out = fmt::format(
      ".TH SOVEREIGN 1 \"\" \"sovereign {}\" \"User Commands\"\n"
      ".SH NAME\nsovereign \\- {}\n"
      ".SH SYNOPSIS\n\\fBsovereign\\fR \\fIcommand\\fR [\\fIoptions\\fR]\n"
      ".SH DESCRIPTION\n"
      "One program that serves a language model (a GGUF file) over HTTP with many users at once, asks it "
      "questions from the terminal, and looks after its models and configuration. Every command explains "
      "itself with \\fB\\-\\-help\\fR.\n",
      build_info::version, "serves a language model through an OpenAI\\-compatible API");
  commands(root, out);
  configuration(out);
  out +=
      ".SH ENVIRONMENT\n"
      ".TP\n\\fBSOVEREIGN_CONFIG\\fR\nConfiguration file, when \\-\\-config is not given.\n"
      ".TP\n\\fBSOVEREIGN_API_KEY\\fR\nAPI key that \\fBsovereign ask \\-\\-url\\fR sends.\n"
      ".TP\n\\fBXDG_CONFIG_HOME\\fR, \\fBXDG_CACHE_HOME\\fR\nWhere the configuration and the models are "
      "looked for; by default ~/.config and ~/.cache.\n"
      ".SH FILES\n"
      ".TP\n$XDG_CONFIG_HOME/sovereign/sovereign.toml, /etc/sovereign/sovereign.toml\nConfiguration; the "
      "first "
      "that exists is read.\n"
      ".TP\n$XDG_CACHE_HOME/sovereign/models\nModels.\n"
      ".SH SIGNALS\n"
      "\\fBsovereign serve\\fR ends on SIGTERM and SIGINT: it accepts no more requests, finishes those it "
      "has "
      "(server.drain_timeout) and exits with 0; a second signal ends it at once. "
      "SIGHUP reads the configuration again and puts it in force without dropping a request.\n"
      ".SH EXIT STATUS\n"
      ".TP\n\\fB0\\fR\nDone.\n"
      ".TP\n\\fB1\\fR\nIt could not be done; one line on standard error says why.\n"
      ".TP\n\\fB2\\fR\nBad flags, arguments or configuration.\n"
      ".TP\n\\fB130\\fR\nInterrupted with Ctrl\\-C.\n";
  return out;
}

}  // namespace

void add_man_command(CLI::App& program, int& exit_code) {
  program.add_subcommand("man", "Print the manual page, for man(1)")->callback([&program, &exit_code] {
    fmt::print("{}", man_page(describe_command(program)));
    exit_code = kExitOk;
  });
}

}  // namespace sovereign
