// A backend elsewhere, as an operator describes it; every field has a key of the same name under
// [backends.NAME].
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/tier.h"

namespace sovereign::gateway {

// Which server answers: what its address is by default, and what it understands beyond OpenAI's API.
enum class Preset { openai, lmstudio, ollama, vllm, sglang, llama_server };

struct RemoteConfig {
  std::string name;
  Preset preset = Preset::openai;
  std::string url;                   // base, e.g. "http://127.0.0.1:8000/v1"; empty: the preset's
  std::string model;                 // as that server calls it; empty: the first that it lists
  std::vector<std::string> aliases;  // further names by which clients may ask for it
  std::optional<Tier> tier;          // none: the preset's
  std::string api_key_env;   // variable that holds the key; the key itself is nowhere in the configuration
  std::string api_key_file;  // or file whose first line it is
  std::string ca_file;       // PEM roots to trust for https; empty: the system's
  std::chrono::milliseconds connect_timeout{2'000};       // name look-up, TCP and TLS handshakes
  std::chrono::milliseconds first_token_timeout{60'000};  // from the request to its first token
  std::chrono::milliseconds token_timeout{30'000};        // between two pieces of the answer
  std::chrono::milliseconds total_timeout{600'000};       // all of it
  std::uint32_t max_concurrency = 32;                     // calls at a time, a batch being one; 0: no limit
  std::uint32_t max_queued = 128;                         // that wait for their turn
  std::uint32_t priority = 0;                             // lower comes first within a tier
  std::uint32_t batch_size = 1;              // prompts in one call; 1: every query has a call of its own
  std::chrono::milliseconds batch_wait{50};  // for others to share a call with
  std::string batch_template;                // of llama.cpp's, that makes a chat a prompt; with batch_size
};

}  // namespace sovereign::gateway
