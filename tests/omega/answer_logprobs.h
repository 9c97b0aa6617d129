// Log-probabilities of a given answer's tokens under a model, after the question in its chat template.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/chat_format.h"
#include "engine/decoder.h"
#include "engine/llama_model.h"

namespace sovereign::testing {

// Not thread-safe. The model outlives it.
class AnswerLogprobs {
 public:
  static result<std::unique_ptr<AnswerLogprobs>> create(const engine::LlamaModel& model);

  // The documents stand before the question in the user's message. Errors: the chat format's, internal
  // (the decode failed, or it is too long).
  result<std::vector<float>> measure(std::span<const std::string> context, std::string_view question,
                                     std::string_view answer);

 private:
  explicit AnswerLogprobs(const engine::LlamaModel& model) : model_(model) {}

  const engine::LlamaModel& model_;
  std::unique_ptr<engine::ChatFormat> format_;
  std::unique_ptr<engine::Decoder> decoder_;
};

}  // namespace sovereign::testing
