// One documented setting: its name, its type and bounds, and where it lives in Settings.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "config/value.h"

namespace sovereign::config {

enum class Kind {
  boolean,   // true, false
  integer,   // within [min, max]
  real,      // a number within [least, most]
  size,      // bytes within [min, max]; quantity.h says how it is written
  duration,  // milliseconds within [min, max]; written with a unit
  text,      // any string
  choice,    // one of `choices`
  path,      // a file; relative ones in a configuration file start from that file's folder
  model,     // like path, but a word without '/' names a model of the models directory
  list,      // strings
};

// "SOVEREIGN_SERVER_PORT" of "server.port".
std::string environment_name(std::string_view key_name);

struct Key {
  std::string name;  // "server.port"
  Kind kind = Kind::text;
  std::string help;  // one sentence
  std::string flag;  // friendly flag, e.g. "--port"; empty: only --server.port
  std::int64_t min = 0;
  std::int64_t max = 0;
  double least = 0;  // of Kind::real
  double most = 0;
  std::vector<std::string> choices;
  std::function<Value(const Settings&)> get;
  std::function<void(Settings&, const Value&)> set;  // the value has passed check()
  // What bounds and choices do not say; may be empty. Never repeats a value that could be a secret.
  std::function<result<void>(const Value&)> rule;

  std::string_view section() const;    // "server"
  std::string_view last_name() const;  // "port"
  std::string long_flag() const;       // "--server.port"
};

// Words for people: the type with its bounds ("integer, 0 to 65535"), used wherever a key is explained.
std::string describe_type(const Key& key);

// From the text of a flag or an environment variable; lists are comma-separated.
result<Value> parse_text(const Key& key, std::string_view text);

// Bounds, choices and the key's own rule.
result<void> check(const Key& key, const Value& value);

// As it would be written in the configuration file: 8080, "30s", ["a", "b"].
std::string to_toml(const Key& key, const Value& value);

}  // namespace sovereign::config
