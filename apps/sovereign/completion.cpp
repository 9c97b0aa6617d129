// sovereign completion: scripts for bash, zsh and fish, made from the tree of commands.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <string>

#include "command.h"
#include "command_tree.h"

namespace sovereign {
namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Inside single quotes of a POSIX shell.
std::string quoted(const std::string& text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

// Words that may follow the command: its subcommands, or else its options.
std::vector<std::string> words_of(const CommandDoc& command) {
  std::vector<std::string> words;
  for (const CommandDoc& subcommand : command.subcommands) words.push_back(subcommand.name);
  for (const OptionDoc& option : command.options) {
    words.insert(words.end(), option.names.begin(), option.names.end());
    if (option.names.empty()) {
      const auto choices = option.choices();
      words.insert(words.end(), choices.begin(), choices.end());
    }
  }
  return words;
}

// Cases that set `variable` to the path of the command that a word leads to.
std::string steps(const CommandDoc& root, std::string_view variable) {
  std::string cases;
  for_each_command(root, [&](const CommandDoc& command) {
    for (const CommandDoc& sub : command.subcommands) {
      cases += fmt::format("      {}) {}={} ;;\n", quoted(command.path + "/" + sub.name), variable,
                           quoted(sub.path));
    }
  });
  return cases;
}

std::string bash_script(const CommandDoc& root) {
  std::string values;
  std::string words;
  for_each_command(root, [&](const CommandDoc& command) {
    words += fmt::format("    {}) words={} ;;\n", quoted(command.path),
                         quoted(fmt::format("{}", fmt::join(words_of(command), " "))));
    for (const OptionDoc& option : command.options) {
      const auto choices = option.choices();
      if (option.type.empty() || option.names.empty()) continue;
      std::string patterns;
      for (const std::string& name : option.names) {
        patterns += (patterns.empty() ? "" : "|") + quoted(command.path + "/" + name);
      }
      const std::string action = !choices.empty() ? fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$word\"))",
                                                                fmt::join(choices, " "))
                                 : option.type == "FILE" ? std::string("compopt -o default")
                                                         : std::string(":");
      values += fmt::format("    {}) {}; return ;;\n", patterns, action);
    }
  });
  return fmt::format(R"(# bash completion for sovereign; printed by 'sovereign completion bash'.
_sovereign() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} path=sovereign words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path/${{COMP_WORDS[i]}}" in
{}    esac
  done
  COMPREPLY=()
  case "$path/$previous" in
{}  esac
  case "$path" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o bashdefault -o default -F _sovereign sovereign
)",
                     steps(root, "path"), values, words);
}

std::string zsh_script(const CommandDoc& root) {
  std::string values;
  std::string words;
  // _describe splits at the first unescaped colon.
  const auto entry = [](const std::string& name, const std::string& help) {
    return quoted(replaced(name, ":", "\\:") + ":" + help);
  };
  for_each_command(root, [&](const CommandDoc& command) {
    words += fmt::format("    {})\n      words_here=(\n", quoted(command.path));
    for (const CommandDoc& sub : command.subcommands) words += "        " + entry(sub.name, sub.help) + "\n";
    for (const OptionDoc& option : command.options) {
      for (const std::string& name : option.names) words += "        " + entry(name, option.help) + "\n";
      if (option.names.empty()) {
        for (const std::string& choice : option.choices())
          words += "        " + entry(choice, option.help) + "\n";
      }
      if (option.type.empty() || option.names.empty()) continue;
      const auto choices = option.choices();
      std::string patterns;
      for (const std::string& name : option.names) {
        patterns += (patterns.empty() ? "" : "|") + quoted(command.path + "/" + name);
      }
      const std::string action = !choices.empty() ? fmt::format("compadd -- {}", fmt::join(choices, " "))
                                 : option.type == "FILE" ? std::string("_files")
                                                         : std::string("_message value");
      values += fmt::format("    {}) {}; return ;;\n", patterns, action);
    }
    words += "      ) ;;\n";
  });
  return fmt::format(R"(#compdef sovereign
# zsh completion for sovereign; printed by 'sovereign completion zsh'.
_sovereign() {{
  # Not "path": zsh ties that name to PATH.
  local here=sovereign next word
  local -a words_here
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    next=
    case "$here/$word" in
{}    esac
    [[ -n $next ]] && here=$next
  done
  case "$here/${{words[CURRENT-1]}}" in
{}  esac
  case "$here" in
{}  esac
  _describe sovereign words_here || _files
}}
# Loaded from fpath this file is the function's body; sourced, it registers the function.
if [[ ${{funcstack[1]}} == _sovereign ]]; then
  _sovereign "$@"
else
  compdef _sovereign sovereign
fi
)",
                     steps(root, "next"), values, words);
}

std::string fish_script(const CommandDoc& root) {
  const auto fish_quoted = [](const std::string& text) {
    return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'";
  };
  std::string cases;
  std::string lines;
  for_each_command(root, [&](const CommandDoc& command) {
    const std::string condition = fish_quoted(fmt::format("__sovereign_at \"{}\"", command.path));
    for (const CommandDoc& sub : command.subcommands) {
      cases += fmt::format("      case {}\n        set path {}\n", fish_quoted(command.path + "/" + sub.name),
                           fish_quoted(sub.path));
      lines += fmt::format("complete -c sovereign -f -n {} -a {} -d {}\n", condition, sub.name,
                           fish_quoted(sub.help));
    }
    for (const OptionDoc& option : command.options) {
      std::string names;
      for (const std::string& name : option.names) {
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      const auto choices = option.choices();
      std::string value;
      if (!choices.empty()) {
        value = fmt::format(" {} -a {}", option.names.empty() ? "-f" : "-x",
                            fish_quoted(fmt::format("{}", fmt::join(choices, " "))));
      } else if (!option.type.empty()) {
        value = option.type == "FILE" ? " -r" : " -x";
      }
      if (option.names.empty() && choices.empty()) continue;
      lines += fmt::format("complete -c sovereign -n {}{}{} -d {}\n", condition, names, value,
                           fish_quoted(option.help));
    }
  });
  return fmt::format(R"(# fish completion for sovereign; printed by 'sovereign completion fish'.
function __sovereign_at
  set -l path sovereign
  for word in (commandline -opc)[2..-1]
    switch "$path/$word"
{}    end
  end
  test "$path" = "$argv[1]"
end
{})",
                     cases, lines);
}

}  // namespace

void add_completion_command(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("completion", "Print the completion script of a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "Which shell")
      ->required()
      ->type_name("bash|zsh|fish")
      ->check([](const std::string& name) {
        const bool known = name == "bash" || name == "zsh" || name == "fish";
        return known ? std::string() : fmt::format("'{}' is not bash, zsh or fish", name);
      });
  command->callback([&program, shell, &exit_code] {
    const CommandDoc root = describe_command(program);
    fmt::print("{}", *shell == "bash"  ? bash_script(root)
                     : *shell == "zsh" ? zsh_script(root)
                                       : fish_script(root));
    exit_code = kExitOk;
  });
}

}  // namespace sovereign
