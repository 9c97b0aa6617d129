#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>
#include <span>

#include "config/backend_table.h"
#include "config/canary_keys.h"
#include "config/key_table.h"
#include "config/model_table.h"
#include "config/quantity.h"
#include "config/suggest.h"
#include "config/toml_file.h"

namespace sovereign::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileName = "sovereign.toml";

// What is being filled, with the problems met on the way.
class Builder {
 public:
  Builder() { loaded_.origins.assign(all_keys().size(), "default"); }

  void set(const Key& key, const result<Value>& value, const std::string& origin) {
    if (!value) return problem(key.name, origin, value.error());
    if (const auto checked = check(key, *value); !checked) return problem(key.name, origin, checked.error());
    key.set(loaded_.settings, *value);
    loaded_.origins[static_cast<std::size_t>(&key - all_keys().data())] = origin;
  }

  // A key that is not in all_keys().
  void set_listed(const Key& key, const result<Value>& value, const std::string& origin) {
    if (!value) return problem(key.name, origin, value.error());
    if (const auto checked = check(key, *value); !checked) return problem(key.name, origin, checked.error());
    key.set(loaded_.settings, *value);
  }

  void problem(std::string_view name, std::string_view origin, const Error& error) {
    errors_.push_back(
        {error.code, fmt::format("{}: {}: {}", origin, name, error.message), std::string(name)});
  }
  void unknown(std::string_view name, std::string_view origin, std::string_view what,
               const std::string& suggested) {
    errors_.push_back(
        {ErrorCode::invalid_argument,
         fmt::format("{}: {}: unknown {}{}", origin, name, what,
                     suggested.empty() ? "; 'sovereign config example' lists them all" : "; " + suggested),
         std::string(name)});
  }
  void add(Error error) { errors_.push_back(std::move(error)); }
  void add(std::vector<Error> errors) {
    std::move(errors.begin(), errors.end(), std::back_inserter(errors_));
  }

  Loaded& loaded() { return loaded_; }
  const std::vector<Error>& errors() const { return errors_; }

 private:
  Loaded loaded_;
  std::vector<Error> errors_;
};

result<Value> from_toml(const Key& key, const TomlValue& value) {
  const auto wrong_type = [&] {
    return fail(ErrorCode::invalid_argument, fmt::format("must be {} ({}), not {}",
                                                         key.kind == Kind::integer   ? "an integer"
                                                         : key.kind == Kind::real    ? "a number"
                                                         : key.kind == Kind::boolean ? "a boolean"
                                                         : key.kind == Kind::list    ? "an array of strings"
                                                         : key.kind == Kind::size    ? "a size"
                                                                                     : "a string",
                                                         describe_type(key), describe(value)));
  };
  const auto* number = std::get_if<std::int64_t>(&value);
  const auto* text = std::get_if<std::string>(&value);
  switch (key.kind) {
    case Kind::boolean:
      if (const auto* boolean = std::get_if<bool>(&value)) return Value(*boolean);
      return wrong_type();
    case Kind::integer:
      if (number != nullptr) return Value(*number);
      return wrong_type();
    case Kind::real:
      if (const auto* real = std::get_if<double>(&value)) return Value(*real);
      if (number != nullptr) return Value(static_cast<double>(*number));
      return wrong_type();
    case Kind::size:
      if (number != nullptr) return Value(*number);
      if (text != nullptr) return parse_text(key, *text);
      return wrong_type();
    case Kind::list:
      if (const auto* list = std::get_if<std::vector<std::string>>(&value)) return Value(*list);
      return wrong_type();
    case Kind::duration:
      if (text != nullptr) return parse_text(key, *text);
      if (number != nullptr) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("a duration needs a unit, e.g. \"{}s\" or \"{}ms\"", *number, *number));
      }
      return wrong_type();
    default:
      if (text != nullptr) return Value(*text);
      return wrong_type();
  }
}

// A relative path in a file starts from that file's folder, whatever folder the program runs in.
Value anchored(const Key& key, Value value, const fs::path& folder) {
  if (key.kind != Kind::path && key.kind != Kind::model) return value;
  auto& text = std::get<std::string>(value);
  const bool is_name = key.kind == Kind::model && text.find('/') == std::string::npos;
  if (!text.empty() && !is_name) text = (folder / text).lexically_normal().string();
  return value;
}

// Keys of which there are as many as there are backends, or models: [backends.NAME] and [models.NAME].
struct Tables {
  std::string_view prefix;
  result<void> (*check_name)(std::string_view);
  std::vector<Key> (*keys)(const std::string&);
};
constexpr Tables kTables[] = {{kBackendsPrefix, check_backend_name, backend_keys},
                              {kModelsPrefix, check_backend_name, model_keys}};

void read_table_entry(const Tables& tables, const TomlEntry& entry, const std::string& origin,
                      const fs::path& folder, Builder& builder) {
  const std::size_t dot = entry.name.rfind('.');
  const std::string name = dot < tables.prefix.size()
                               ? std::string()
                               : entry.name.substr(tables.prefix.size(), dot - tables.prefix.size());
  if (const auto named = tables.check_name(name); !named) {
    return builder.problem(entry.name, origin, named.error());
  }
  const auto keys = tables.keys(name);
  const auto key =
      std::find_if(keys.begin(), keys.end(), [&](const Key& each) { return each.name == entry.name; });
  if (key == keys.end()) {
    std::vector<std::string_view> names;
    for (const Key& each : keys) names.push_back(each.name);
    const std::string_view near = nearest(entry.name, names);
    return builder.unknown(entry.name, origin, "key",
                           near.empty() ? std::string() : fmt::format("did you mean '{}'?", near));
  }
  builder.set_listed(*key, from_toml(*key, entry.value).map([&](Value value) {
    return anchored(*key, std::move(value), folder);
  }),
                     origin);
}

void read_file(const fs::path& path, Builder& builder) {
  const auto entries = read_toml(path);
  if (!entries) return builder.add(entries.error());
  builder.loaded().file = path;
  const fs::path folder = fs::absolute(path).parent_path();
  for (const TomlEntry& entry : *entries) {
    const std::string origin = fmt::format("{}:{}", path.string(), entry.line);
    const auto tables = std::find_if(std::begin(kTables), std::end(kTables),
                                     [&](const Tables& each) { return entry.name.starts_with(each.prefix); });
    if (tables != std::end(kTables)) {
      read_table_entry(*tables, entry, origin, folder, builder);
      continue;
    }
    const Key* key = find_key(entry.name);
    if (key == nullptr) {
      builder.unknown(entry.name, origin, "key", suggestion(entry.name));
      continue;
    }
    builder.set(*key, from_toml(*key, entry.value).map([&](Value value) {
      return anchored(*key, std::move(value), folder);
    }),
                origin);
  }
}

// Variables of the program's that are no keys, and those that Kubernetes makes for a service called
// 'sovereign'.
bool is_other_variable(std::string_view name, std::string_view value) {
  for (const std::string_view other : {"SOVEREIGN_CONFIG", "SOVEREIGN_API_KEY", "SOVEREIGN_ADMIN_KEY"}) {
    if (name == other) return true;
  }
  if (name.starts_with("SOVEREIGN_SERVICE_") || name.starts_with("SOVEREIGN_PORT_")) return true;
  return name == "SOVEREIGN_PORT" && value.find("://") != std::string_view::npos;
}

// A variable that is one slip of the hand from a key's. Any other may be somebody else's. What they all begin
// with does not count, or any two would look alike.
void refuse_if_mistyped(const std::string& name, const std::string& value, Builder& builder) {
  constexpr std::string_view kPrefix = "SOVEREIGN_";
  if (!name.starts_with(kPrefix) || is_other_variable(name, value)) return;
  std::vector<std::string> names;
  for (const Key& key : all_keys()) names.push_back(environment_name(key.name).substr(kPrefix.size()));
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string rest = name.substr(kPrefix.size());
  std::string_view meant = nearest(rest, candidates);
  // SOVEREIGN_PORT: the section was left out.
  const auto whole = std::find_if(candidates.begin(), candidates.end(), [&](std::string_view candidate) {
    return candidate.ends_with("_" + rest);
  });
  if (meant.empty() && whole != candidates.end()) meant = *whole;
  if (meant.empty()) return;
  builder.unknown(name, "environment", "variable", fmt::format("did you mean {}{}?", kPrefix, meant));
}

void read_environment(const Environment& environment, Builder& builder) {
  for (const auto& [name, text] : environment) {
    const auto keys = all_keys();
    const auto key = std::find_if(keys.begin(), keys.end(), [&name = name](const Key& each) {
      return environment_name(each.name) == name;
    });
    if (key != keys.end()) {
      builder.set(*key, parse_text(*key, text), "$" + name);
      continue;
    }
    bool of_a_section = false;
    for (const Tables& tables : kTables) {
      if (!name.starts_with(environment_name(tables.prefix))) continue;
      of_a_section = true;
      const std::string what(tables.prefix.substr(0, tables.prefix.size() - 1));
      builder.problem(what, "$" + name,
                      {ErrorCode::invalid_argument, what + " are set in the configuration file only", {}});
    }
    for (const Section& section : all_sections()) {
      const std::string prefix = environment_name(section.name) + "_";
      if (!name.starts_with(prefix)) continue;
      std::string guess = std::string(section.name) + "." + name.substr(prefix.size());
      std::transform(guess.begin(), guess.end(), guess.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      builder.unknown(guess, "$" + name, "key", suggestion(guess));
      of_a_section = true;
    }
    if (!of_a_section) refuse_if_mistyped(name, text, builder);
  }
}

void read_flags(const std::vector<FlagValue>& flags, Builder& builder) {
  for (const FlagValue& flag : flags) {
    const Key* key = find_key(flag.key);
    if (key == nullptr) {
      builder.unknown(flag.key, flag.spelled, "key", suggestion(flag.key));
      continue;
    }
    builder.set(*key, parse_text(*key, flag.text), flag.spelled);
  }
}

// Empty: there is no file, and none was asked for.
fs::path find_file(const Inputs& inputs) {
  if (!inputs.file.empty()) return inputs.file;
  const auto named = inputs.environment.find("SOVEREIGN_CONFIG");
  if (named != inputs.environment.end() && !named->second.empty()) return named->second;
  const fs::path own = config_directory(inputs.environment);
  std::error_code ignored;
  if (!own.empty() && fs::exists(own / kFileName, ignored)) return own / kFileName;
  const fs::path system = fs::path("/etc/sovereign") / kFileName;
  return fs::exists(system, ignored) ? system : fs::path();
}

}  // namespace

std::vector<Error> check_together(const Settings& settings) {
  std::vector<Error> errors;
  const auto wrong = [&errors](std::string key, std::string message) {
    errors.push_back({ErrorCode::invalid_argument, key + ": " + message, key});
  };
  const engine::EngineConfig& engine = settings.engine;
  const server::ServerConfig& server = settings.server;
  if (engine.context_tokens > engine.kv_cells) {
    wrong("engine.context_tokens",
          fmt::format(
              "{} is more than the KV cache holds (engine.kv_cells = {}): lower the one or raise the other",
              engine.context_tokens, engine.kv_cells));
  }
  if (engine.step_token_budget < engine.max_sequences) {
    wrong("engine.step_token_budget",
          fmt::format(
              "{} is too small for engine.max_sequences = {}: each sequence takes a token of every step",
              engine.step_token_budget, engine.max_sequences));
  }
  if (engine.max_sequences + engine.max_cached_prefixes > 256) {
    wrong("engine.max_cached_prefixes",
          fmt::format("with engine.max_sequences it makes {} sequences; llama.cpp holds at most 256",
                      engine.max_sequences + engine.max_cached_prefixes));
  }
  if (settings.envelopes.required && settings.envelopes.senders.empty()) {
    wrong("envelopes.required", "nobody could ask anything: envelopes.senders names no sender");
  }
  if (settings.routing.require_local && !settings.cache.redis_url.empty()) {
    wrong(
        "routing.require_local",
        "no query may leave this process, and cache.redis_url keeps answers in Redis: unset one of the two");
  }
  if (server.tls_certificate.empty() != server.tls_key.empty()) {
    const bool lacks_key = server.tls_key.empty();
    wrong(lacks_key ? "server.tls_key" : "server.tls_certificate",
          fmt::format("is missing: {} is set, and HTTPS needs both",
                      lacks_key ? "server.tls_certificate" : "server.tls_key"));
  }
  for (auto&& of_tables : {check_canary(settings), check_backends(settings), check_models(settings)}) {
    errors.insert(errors.end(), of_tables.begin(), of_tables.end());
  }
  if (settings.canary.name.empty() || !errors.empty()) return errors;
  Settings variant = variant_settings(settings);
  variant.canary = {};
  variant.models.clear();  // theirs are control's, and right
  for (const Error& error : check_together(variant)) wrong("canary.set", error.message);
  return errors;
}

all_or_errors<Loaded> load(const Inputs& inputs) {
  Builder builder;
  if (const fs::path file = find_file(inputs); !file.empty()) read_file(file, builder);
  read_environment(inputs.environment, builder);
  read_flags(inputs.flags, builder);
  // Only on sound values: otherwise a typo would be reported a second time as a contradiction.
  if (builder.errors().empty()) builder.add(check_together(builder.loaded().settings));
  if (!builder.errors().empty()) return tl::unexpected(builder.errors());
  return std::move(builder.loaded());
}

std::string join_messages(const std::vector<Error>& errors) {
  std::string lines;
  for (const Error& error : errors) lines += (lines.empty() ? "" : "\n") + error.message;
  return lines;
}

}  // namespace sovereign::config
