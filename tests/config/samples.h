// A value for each key that differs from its default and is within its bounds; for tests.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/key.h"

namespace sovereign::config {

inline Value sample_value(const Key& key) {
  const Value standing = key.get(Settings{});
  switch (key.kind) {
    case Kind::boolean: return !std::get<bool>(standing);
    case Kind::integer: {
      // Two steps up where the keys' mutual demands allow it, else down.
      const auto number = std::get<std::int64_t>(standing);
      if (key.name == "engine.context_tokens") return number / 2;
      return number + 2 <= key.max ? number + 2 : number - 2;
    }
    case Kind::real: return (std::get<double>(standing) + key.most) / 2 - 0.125;
    case Kind::size: return std::get<std::int64_t>(standing) / 2;
    case Kind::duration: return std::get<std::int64_t>(standing) + 1'000;
    case Kind::choice:
      return key.choices.back() == std::get<std::string>(standing) ? key.choices.front() : key.choices.back();
    case Kind::path: return std::string("/somewhere/a file \"quoted\"");
    case Kind::model: return std::string("another-model");
    case Kind::text:
      return std::string(key.name == "cache.redis_url" ? "redis://cache.example:6380/2" : "something");
    case Kind::list:
      if (key.name == "server.api_key_hashes" || key.name == "server.admin_key_hashes") {
        return std::vector<std::string>{"sha256:" + std::string(64, 'a'), "sha256:" + std::string(64, '0')};
      }
      if (key.name == "envelopes.senders") {
        return std::vector<std::string>{"gate-1=ed25519:" + std::string(64, '0'),
                                        "b=ed25519:" + std::string(64, '1')};
      }
      if (key.name == "quality.min_dimension")
        return std::vector<std::string>{"truthfulness=0.5", "patience=0.25"};
      if (key.name == "quality.required") return std::vector<std::string>{"truthfulness", "excellence"};
      if (key.name == "canary.set")
        return std::vector<std::string>{"sampling.temperature=0.5", "quality.mode=annotate"};
      if (key.section() == "routing") return std::vector<std::string>{"edge"};
      return std::vector<std::string>{"https://a.example", "http://b.example:8080"};
  }
  return standing;
}

// As a flag or an environment variable would carry it.
inline std::string as_text(const Key& key, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    std::string joined;
    for (const std::string& item : *list) joined += (joined.empty() ? "" : ",") + item;
    return joined;
  }
  std::string text = to_toml(key, value);
  std::erase(text, '"');
  return text;
}

// A certificate without its key is an error, so one test value brings its partner along; likewise envelopes
// that are required with nobody to send them.
struct Partner {
  const char* name;
  std::string text;  // as a flag or an environment variable would carry it
  std::string toml;
};
inline std::optional<Partner> partner_of(const Key& key) {
  if (key.name == "server.tls_certificate") return Partner{"server.tls_key", "/x", "\"/x\""};
  if (key.name == "server.tls_key") return Partner{"server.tls_certificate", "/x", "\"/x\""};
  if (key.name == "envelopes.required") {
    const std::string sender = "a=ed25519:" + std::string(64, '0');
    return Partner{"envelopes.senders", sender, "[\"" + sender + "\"]"};
  }
  // A variant must differ from control in something.
  if (key.name == "canary.name") return Partner{"canary.system", "x", "\"x\""};
  return std::nullopt;
}

}  // namespace sovereign::config
