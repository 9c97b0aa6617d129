#include "gateway_inputs.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "base/sha256.h"
#include "config/backend_table.h"
#include "config/key_table.h"
#include "config/model_table.h"
#include "gateway/secret.h"

namespace sovereign {
namespace {

// Empty where it cannot be read.
std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

result<std::string> describe_backend(const config::Settings& settings, const gateway::RemoteConfig& backend) {
  std::string text = fmt::format("[backends.{}]\n", backend.name);
  const auto add = [&](const config::Key& key) { text += config::to_toml(key, key.get(settings)) + "\n"; };
  for (const config::Key& key : config::backend_keys(backend.name)) add(key);
  for (const config::Key& key : config::all_keys()) {
    if (key.name.starts_with("routing.breaker_")) add(key);
  }
  // Both may change in place.
  const auto secret = gateway::read_secret(backend.api_key_env, backend.api_key_file);
  if (!secret) return fail(secret.error());
  text += sha256_hex(*secret) + "\n";
  if (!backend.ca_file.empty()) text += sha256_hex(contents(backend.ca_file)) + "\n";
  return text;
}

result<std::string> describe_gateway(const config::Settings& settings, const std::string& model_id) {
  std::string text = fmt::format("model {} '{}'\n", settings.model.enabled, model_id);
  const auto add = [&](const config::Key& key) { text += config::to_toml(key, key.get(settings)) + "\n"; };
  for (const config::Key& key : config::all_keys()) {
    if (key.section() == "routing") add(key);
  }
  for (const auto& model : settings.models) {
    text += fmt::format("[models.{}]\n", model.name);
    for (const config::Key& key : config::model_keys(model.name)) add(key);
  }
  for (const auto& backend : settings.backends) {
    if (settings.routing.require_local) break;  // then nothing of them is used, nor read
    auto described = describe_backend(settings, backend);
    if (!described) return fail(described.error());
    text += *described;
  }
  return text;
}

}  // namespace sovereign
