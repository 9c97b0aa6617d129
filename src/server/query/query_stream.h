// A streamed query: from batches of tokens to the payloads of its events. No sockets.
//
//   {"delta":"…"}*  then {"result":{…}} or OpenAI's error object, then [DONE]
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/backend.h"
#include "server/openai/api_failure.h"
#include "server/openai/token_channel.h"

namespace sovereign::server {

// Not thread-safe. absorb() may parse the whole text again: call it on a worker when parses() says so.
class QueryStream {
 public:
  bool parses(const openai::TokenBatch& batch) const {
    return (batch.beginning ? batch.beginning->syntax : syntax_) != nullptr;
  }
  std::vector<std::string> absorb(openai::TokenBatch batch);
  // Known with the last batch; before anything was sent it is better answered with a status.
  const std::optional<openai::ApiFailure>& failure() const { return failure_; }

 private:
  void tell(std::string_view text, std::vector<std::string>& payloads);

  std::shared_ptr<const gateway::AnswerSyntax> syntax_;
  std::string raw_;   // all of it; only with a syntax
  std::string told_;  // content told so far; only with a syntax
  bool begun_ = false;
  std::optional<openai::ApiFailure> failure_;
};

}  // namespace sovereign::server
