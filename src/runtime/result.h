// What the runtime answers to a query, and how it came about.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cache/hash128.h"
#include "cache/wall_time.h"
#include "engine/chat_format.h"
#include "engine/generation.h"
#include "gateway/tier.h"
#include "pci/receipt.h"
#include "runtime/quality.h"
#include "runtime/reasoning/reasoner.h"

namespace sovereign::gateway {
struct BackendIdentity;
}

namespace sovereign::runtime {

// Sums over the generations of one answer.
struct Usage {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t cached_tokens = 0;  // of the prompt, found in the KV cache
  // Of the slowest generation: what the client waited for.
  double prompt_ms = 0;                // from first scheduled to first token
  double predicted_ms = 0;             // from first token to the end
  std::uint64_t reasoning_tokens = 0;  // of completion_tokens: thoughts

  void add(const engine::GenerationSummary& summary);
  void add(const Usage& other);
};

struct Choice {
  engine::ChatMessage message;
  engine::FinishReason finish = engine::FinishReason::stop;
  std::vector<engine::TokenLogprob> logprobs;  // when asked for
  std::shared_ptr<const Quality> quality;      // null: not assessed
};

struct StageTiming {
  std::string_view stage;  // the stage's name, which outlives every result
  Duration spent{};
};

// What the response cache had to do with an answer.
struct CacheNote {
  enum class Status {
    bypass,  // it was not asked
    miss,    // the answer was made for this query
    hit,     // the answer was there
    shared,  // an identical query was being answered, and its answer is this one's too
  };
  Status status = Status::bypass;
  std::string_view level;     // of a hit: "memory", "disk", …
  cache::WallDuration age{};  // of a hit
  cache::Hash128 key;         // unless bypass
};

// "bypass", "miss", "hit", "shared"
std::string_view to_string(CacheNote::Status status);

struct SovereignResult {
  std::string id;               // the query's
  std::vector<Choice> choices;  // as many as the query asked for; the first is the answer
  std::string model_used;
  std::string fingerprint;
  std::string model_digest;
  gateway::Tier tier = gateway::Tier::edge;  // of who answered, or who would have what was found
  // Another backend than the one that was asked; null: it was that one. Not kept with an answer.
  std::shared_ptr<const gateway::BackendIdentity> answered_by;
  std::string variant;  // the canary whose variant answered; empty: none. Not kept with an answer
  Usage usage;          // of making the answer, also when it was found
  std::optional<std::uint32_t> seed;  // that the first choice was really drawn with; none: not known
  CacheNote cached;
  std::shared_ptr<const pci::ReceiptFile> receipt;    // of this client alone; null: none was asked for
  std::shared_ptr<const ReasoningOutcome> reasoning;  // null: it was answered without
  // First `tier`, the choice of a backend, where there was one; then in the order of the pipeline. Stages
  // that were not reached are missing, those that were repeated are there again.
  std::vector<StageTiming> timings;
};

}  // namespace sovereign::runtime
