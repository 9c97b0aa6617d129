// The tree of commands as plain values, read from CLI11's: what completion and the man page are made from.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace sovereign {

struct OptionDoc {
  std::vector<std::string> names;  // "-h", "--help"; empty for a positional argument
  std::string type;                // "FILE", "N", "text|json"; empty: takes no value
  std::string help;
  std::string group;
  std::string positional;  // the argument's name
  bool required = false;

  std::vector<std::string> choices() const;  // of a type like "a|b"
};

struct CommandDoc {
  std::string name;
  std::string path;  // "sovereign model list"
  std::string help;
  std::vector<OptionDoc> options;
  std::vector<CommandDoc> subcommands;
};

CommandDoc describe_command(const CLI::App& command);

// Calls visit(command) for the command and all below it, parents first.
template <class Visit>
void for_each_command(const CommandDoc& command, const Visit& visit) {
  visit(command);
  for (const CommandDoc& subcommand : command.subcommands) for_each_command(subcommand, visit);
}

}  // namespace sovereign
