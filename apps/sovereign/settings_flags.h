// The flags of a command that stand for settings, made from the table of keys.
#pragma once

#include <CLI/CLI.hpp>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/key.h"
#include "config/load.h"

namespace sovereign {

// Adds --config and, for each key of the sections named, --section.key and its friendly flag. The command
// keeps the object alive until parse() is over; it does not move (CLI11 holds references into it).
class SettingsFlags {
 public:
  SettingsFlags(CLI::App& command, const std::vector<std::string_view>& sections);
  SettingsFlags(const SettingsFlags&) = delete;
  SettingsFlags& operator=(const SettingsFlags&) = delete;

  config::all_or_errors<config::Loaded> load() const;
  // As load(), but prints the errors, one a line, and starts the log; nothing: exit with kExitUsage.
  std::optional<config::Loaded> load_or_print() const;

 private:
  struct Flag {
    const config::Key* key;
    std::string text;
    CLI::Option* option;
  };
  void add(CLI::App& command, const config::Key& key);

  std::string file_;
  std::deque<Flag> flags_;
};

}  // namespace sovereign
