// One accepted request while it is in the engine: its choices, their samplers and their text so far.
//
// Turns sampled tokens into deltas for the sink. Lives on the engine thread; built on the caller's, since
// compiling a grammar takes a while.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine_metrics.h"
#include "engine/generation.h"
#include "engine/sampler.h"
#include "engine/scheduler.h"
#include "engine/text_stream.h"

namespace sovereign::engine {

class LlamaModel;

class GenerationTask {
 public:
  static constexpr std::uint32_t kMaxChoices = 128;

  // `token_limit` is the most tokens a choice may have, context and max_tokens considered.
  // Errors: invalid_argument (a grammar that does not compile).
  static result<std::unique_ptr<GenerationTask>> create(RequestId id, GenerationRequest request,
                                                        std::shared_ptr<GenerationSink> sink,
                                                        std::shared_ptr<const LlamaModel> model,
                                                        std::uint32_t token_limit, std::uint32_t fresh_seed,
                                                        Time now);

  RequestId id() const { return id_; }
  std::uint32_t choices() const { return static_cast<std::uint32_t>(choices_.size()); }
  SequenceSpec sequence(std::uint32_t choice) const;
  std::span<const Token> prompt() const { return request_.prompt; }
  // Tokens that the choice may still have.
  std::uint32_t tokens_left(std::uint32_t choice) const { return token_limit_ - choices_[choice].tokens; }
  SequenceId sequence_id(std::uint32_t choice) const { return id_ * kMaxChoices + choice; }
  static RequestId request_of(SequenceId sequence) { return sequence / kMaxChoices; }
  static std::uint32_t choice_of(SequenceId sequence) {
    return static_cast<std::uint32_t>(sequence % kMaxChoices);
  }

  // The choice got its first slot.
  void on_admitted(std::uint32_t choice, std::uint32_t shared_tokens, Time now, EngineMetrics& metrics);

  // Chooses the next token from one row of logits and hands its text out. The caller ends the sequence
  // when `finished` is set.
  Sampled on_logits(std::uint32_t choice, std::span<float> logits, Time now, EngineMetrics& metrics);

  // Whether the prompt's embedding is wanted, in place of text.
  bool embeds() const { return request_.embed; }
  bool late(Time now) const { return request_.deadline && now >= *request_.deadline; }
  // Hands the embedding out, or says why there is none; the task is done.
  void on_embedding(result<std::vector<float>> embedding, Time now, EngineMetrics& metrics);

  // Ends one choice, or all that are left, for a reason that is not in its tokens.
  void end_choice(std::uint32_t choice, FinishReason reason, Time now, EngineMetrics& metrics);
  void end(FinishReason reason, std::optional<Error> error, Time now, EngineMetrics& metrics);

  bool ended(std::uint32_t choice) const { return choices_[choice].ended; }
  // All choices ended, and the sink was told so.
  bool done() const { return open_choices_ == 0; }
  // Choices that wait for their first slot.
  std::uint32_t waiting() const { return waiting_; }

 private:
  struct Choice {
    std::unique_ptr<Sampler> sampler;
    TextStream text;
    std::uint32_t tokens = 0;
    Time last_token{};
    bool admitted = false;
    bool ended = false;
  };

  GenerationTask() = default;
  void deliver(std::uint32_t choice, GenerationDelta delta, Time now, EngineMetrics& metrics);
  void count_outcome(FinishReason reason, EngineMetrics& metrics);

  RequestId id_ = 0;
  GenerationRequest request_;
  std::shared_ptr<GenerationSink> sink_;
  std::shared_ptr<const LlamaModel> model_;
  std::vector<Choice> choices_;
  std::uint32_t token_limit_ = 0;
  std::uint32_t open_choices_ = 0;
  std::uint32_t waiting_ = 0;
  Time arrival_{};
  GenerationSummary summary_;
};

}  // namespace sovereign::engine
