// Settings from all their sources: flags over environment over file over default.
//
// Pure but for reading the file. Every problem found is reported, not only the first; each names the key
// and where it was set (file and line, variable, flag).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/directories.h"
#include "config/settings.h"

namespace sovereign::config {

struct FlagValue {
  std::string key;      // "server.port"
  std::string spelled;  // "--port", as the user wrote it
  std::string text;
};

struct Inputs {
  std::string file;  // --config; empty: searched for
  Environment environment;
  std::vector<FlagValue> flags;
};

struct Loaded {
  Settings settings;
  std::filesystem::path file;        // empty: none was found
  std::vector<std::string> origins;  // per key of all_keys(): "default", "FILE:LINE", "$VARIABLE", "--flag"
};

template <class T>
using all_or_errors = tl::expected<T, std::vector<Error>>;

// The file is --config, else $SOVEREIGN_CONFIG, else the first that exists of
// $XDG_CONFIG_HOME/sovereign/sovereign.toml and /etc/sovereign/sovereign.toml. A named file must exist.
// Variables that begin with SOVEREIGN_<SECTION>_ and name no key are errors, as in the file.
all_or_errors<Loaded> load(const Inputs& inputs);

// What keys demand of each other, e.g. a certificate without its key.
std::vector<Error> check_together(const Settings& settings);

// One line per error.
std::string join_messages(const std::vector<Error>& errors);

}  // namespace sovereign::config
