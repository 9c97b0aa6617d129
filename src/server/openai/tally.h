// What a response's requests amount to: usage, and whether they failed.
#pragma once

#include <optional>

#include "server/openai/api_failure.h"
#include "server/openai/response_parts.h"
#include "server/openai/token_channel.h"

namespace sovereign::server::openai {

// True when a choice has its answer: engine::is_answer().
bool is_regular(engine::FinishReason reason);

class Tally {
 public:
  void add(const TokenBatch& batch);

  // Both are complete once a batch was `done`.
  const Usage& usage() const { return usage_; }
  std::optional<ApiFailure> failure() const;

 private:
  Usage usage_;
  std::optional<engine::FinishReason> irregular_;  // of the first choice that did not end well
  std::optional<Error> error_;
  std::optional<gateway::Failure> failure_;  // of the query
};

}  // namespace sovereign::server::openai
