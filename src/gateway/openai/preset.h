// What is known of the servers that speak OpenAI's API: their usual address, their tier, and which knobs of
// sampling they take beside OpenAI's. Pure.
//
//   lmstudio      http://127.0.0.1:1234/v1    local
//   ollama        http://127.0.0.1:11434/v1   local
//   llama-server  http://127.0.0.1:8080/v1    local
//   vllm          http://127.0.0.1:8000/v1    pool
//   sglang        http://127.0.0.1:30000/v1   pool
//   openai        no default address          pool
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/remote_config.h"

namespace sovereign::gateway {

// Names of JSON fields; empty: the server has no such knob, and a request that needs it is passed on without
// (or, where the answer would be another kind of answer, not at all: grammars).
struct Dialect {
  std::string_view top_k{};
  std::optional<std::int32_t> top_k_off{};  // how 'all tokens' is said; none: not at all, even if always_said
  std::string_view min_p{};
  std::string_view typical_p{};
  std::string_view repeat_penalty{};
  std::string_view repeat_last_n{};
  std::string_view ignore_eos{};
  std::string_view grammar{};
  std::string_view template_arguments{};
  bool several_choices = true;         // n
  bool unlimited_completions = false;  // without max_tokens an answer ends when it ends, as that to a chat
  // Send knobs at their 'off' too: what the server does by default is not 'off' but its own or the model's
  // (generation_config.json).
  bool always_said = false;
};

struct PresetInfo {
  Preset preset;
  std::string_view name;
  std::string_view url;  // empty: none
  Tier tier;
  Dialect dialect;
};

const PresetInfo& preset_info(Preset preset);

// Of the models that a server lists, at least one, the first that may chat: servers list those for embeddings
// and reranking among the others, and say which they are by their names alone. All are such: the first.
const std::string& first_chat_model(const std::vector<std::string>& listed);

// The address with "/v1" when it has no path, without a slash at its end. Errors: invalid_argument (not a
// URL; none given where the preset has none).
result<std::string> base_url(const RemoteConfig& config);
inline Tier tier_of(const RemoteConfig& config) {
  return config.tier ? *config.tier : preset_info(config.preset).tier;
}

}  // namespace sovereign::gateway
