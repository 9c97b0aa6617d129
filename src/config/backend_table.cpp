#include "config/backend_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "config/key_makers.h"
#include "config/key_rules.h"

namespace sovereign::config {
namespace {

using gateway::Preset;
using gateway::RemoteConfig;
using gateway::Tier;

constexpr std::int64_t kMaxBatchSize = 64;

RemoteConfig& backend_of(Settings& settings, const std::string& name) {
  auto& backends = settings.backends;
  const auto found = std::find_if(backends.begin(), backends.end(),
                                  [&](const auto& backend) { return backend.name == name; });
  if (found != backends.end()) return *found;
  backends.emplace_back().name = name;
  return backends.back();
}

}  // namespace

std::vector<Key> backend_keys(const std::string& backend) {
  const std::string prefix = std::string(kBackendsPrefix) + backend + ".";
  const auto field = [&](auto member) {
    return [ member, backend ](Settings & settings) -> auto& {
      return backend_of(settings, backend).*member;
    };
  };
  std::vector<Key> keys;
  keys.push_back(enumeration<Preset>(prefix + "preset", field(&RemoteConfig::preset),
                                     {{"openai", Preset::openai},
                                      {"lmstudio", Preset::lmstudio},
                                      {"ollama", Preset::ollama},
                                      {"vllm", Preset::vllm},
                                      {"sglang", Preset::sglang},
                                      {"llama-server", Preset::llama_server}},
                                     "Which server it is: its usual address, its tier, and what it "
                                     "understands beyond OpenAI's API."));
  keys.push_back(with_rule(make(prefix + "url", "", Kind::text, field(&RemoteConfig::url),
                                "Where its API is; empty: the preset's address on this machine."),
                           check_http_url));
  keys.push_back(make(prefix + "model", "", Kind::text, field(&RemoteConfig::model),
                      "Model to ask for, as the server calls it; empty: the first that it lists. Backends of "
                      "equal tier, priority and model are replicas."));
  keys.push_back(make(prefix + "aliases", "", Kind::list, field(&RemoteConfig::aliases),
                      "Further names by which clients may ask for it."));
  keys.push_back(enumeration<std::optional<Tier>>(
      prefix + "tier", field(&RemoteConfig::tier),
      {{"preset", std::nullopt}, {"edge", Tier::edge}, {"local", Tier::local}, {"pool", Tier::pool}},
      "Its tier; preset: local for lmstudio, ollama and llama-server, pool for the others."));
  keys.push_back(make(prefix + "api_key_env", "", Kind::text, field(&RemoteConfig::api_key_env),
                      "Environment variable with the API key that the server wants."));
  keys.push_back(make(prefix + "api_key_file", "", Kind::path, field(&RemoteConfig::api_key_file),
                      "File whose first line is that key."));
  keys.push_back(make(prefix + "ca_file", "", Kind::path, field(&RemoteConfig::ca_file),
                      "PEM file of the roots to trust for https; empty: the system's."));
  keys.push_back(number(prefix + "connect_timeout", "", Kind::duration, field(&RemoteConfig::connect_timeout),
                        kMs, kHour, "Longest time until it is connected, TLS included."));
  keys.push_back(number(prefix + "first_token_timeout", "", Kind::duration,
                        field(&RemoteConfig::first_token_timeout), kMs, 24 * kHour,
                        "Longest time from the request to the first token; then the next backend is asked."));
  keys.push_back(number(prefix + "token_timeout", "", Kind::duration, field(&RemoteConfig::token_timeout),
                        kMs, 24 * kHour, "Longest time between two pieces of an answer."));
  keys.push_back(number(prefix + "total_timeout", "", Kind::duration, field(&RemoteConfig::total_timeout), 0,
                        24 * kHour, "Longest time for a whole answer; 0s: no limit."));
  keys.push_back(number(prefix + "max_concurrency", "", Kind::integer, field(&RemoteConfig::max_concurrency),
                        0, kMillion, "Calls at a time, a batch being one; 0: no limit."));
  keys.push_back(number(prefix + "max_queued", "", Kind::integer, field(&RemoteConfig::max_queued), 0,
                        kMillion, "Queries that wait for their turn; one more goes to the next backend."));
  keys.push_back(number(prefix + "priority", "", Kind::integer, field(&RemoteConfig::priority), 0, kMillion,
                        "Lower comes first within a tier."));
  keys.push_back(
      number(prefix + "batch_size", "", Kind::integer, field(&RemoteConfig::batch_size), 1, kMaxBatchSize,
             "Chats to ask in one call, as a list of prompts, for a server that works off one call "
             "at a time; 1: each has its own, best for servers that batch by themselves."));
  keys.push_back(number(prefix + "batch_wait", "", Kind::duration, field(&RemoteConfig::batch_wait), 0,
                        10 * kSecond,
                        "Longest wait of a chat for others to share its call; 0s: only while the server is "
                        "busy."));
  keys.push_back(with_rule(
      make(prefix + "batch_template", "", Kind::text, field(&RemoteConfig::batch_template),
           "The template that makes a chat a prompt, by llama.cpp's name for it, such as \"chatml\" or "
           "\"llama3\": needed with batch_size, and the same as the server's own."),
      check_prompt_template));
  return keys;
}

result<void> check_backend_name(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  if (name.empty() || name.find_first_not_of(kAllowed) != std::string_view::npos) {
    return fail(ErrorCode::invalid_argument,
                "the name of a backend or model may hold letters, digits, '-', '_' and '.' only");
  }
  if (name != "auto" && !gateway::tier_of(name)) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' cannot be the name of a backend or model: it means a tier, or any", name));
}

std::vector<Error> check_backends(const Settings& settings) {
  std::vector<Error> errors;
  const auto wrong = [&](std::string key, std::string message) {
    errors.push_back({ErrorCode::invalid_argument, key + ": " + message, key});
  };
  for (const RemoteConfig& backend : settings.backends) {
    const std::string prefix = std::string(kBackendsPrefix) + backend.name + ".";
    if (backend.preset == Preset::openai && backend.url.empty()) {
      wrong(prefix + "url", "is missing: only the presets of known servers have an address");
    }
    if (!backend.api_key_env.empty() && !backend.api_key_file.empty()) {
      wrong(prefix + "api_key_file", "and api_key_env are both set: the key can come from one place only");
    }
    if (backend.batch_size > 1 && backend.batch_template.empty()) {
      wrong(prefix + "batch_template", "is missing: batch_size needs it to make prompts of chats");
    }
  }
  if (settings.routing.local_from > settings.routing.pool_from) {
    wrong("routing.local_from", "is more than routing.pool_from: harder queries go to tier pool");
  }
  return errors;
}

}  // namespace sovereign::config
