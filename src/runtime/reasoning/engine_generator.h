// Writes thoughts on the embedded engine: the thoughts of a level decode in one batch, and what their
// prompts have in common is computed once and shared in the KV cache.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/chat_format.h"
#include "engine/engine.h"
#include "runtime/reasoning/thought_generator.h"

namespace sovereign::runtime {

struct EngineGeneratorOptions {
  std::string messages_json = "[]";  // what comes before the question: OpenAI's `messages`, JSON text
  engine::SamplingParams sampling;   // each thought's seed replaces its seed; log-probabilities are asked for
  bool ignore_eos = false;           // benchmarks: each thought gets all of its tokens
};

// What the last generate() cost; `cached` over `prompt` is how much was shared.
struct PromptTokens {
  std::uint64_t prompt = 0;
  std::uint64_t cached = 0;
};

// Engine and format outlive it. One generate() at a time; cancel() from any thread.
class EngineGenerator final : public ThoughtGenerator {
 public:
  EngineGenerator(engine::Engine& engine, const engine::ChatFormat& format, EngineGeneratorOptions options);
  ~EngineGenerator() override;

  // Errors: the chat format's and the engine's own for a request that cannot be taken; cancelled.
  result<std::vector<ThoughtResult>> generate(std::span<const ThoughtRequest> requests,
                                              std::optional<Time> deadline) override;

  // Ends the generate() under way, and each later one, with `cancelled`.
  void cancel() noexcept;

  const PromptTokens& prompt_tokens() const { return prompt_tokens_; }

 private:
  class Batch;
  class Sink;
  // `syntax` is set when the text must be read with it.
  result<engine::GenerationRequest> prepare(const ThoughtRequest& thought, std::optional<Time> deadline,
                                            std::shared_ptr<const engine::ChatSyntax>& syntax) const;

  engine::Engine& engine_;
  const engine::ChatFormat& format_;
  EngineGeneratorOptions options_;
  std::shared_ptr<Batch> batch_;
  PromptTokens prompt_tokens_;
};

}  // namespace sovereign::runtime
