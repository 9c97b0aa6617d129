// A streamed text completion: from batches of tokens to the payloads of its events. No sockets.
#pragma once

#include <string>
#include <vector>

#include "server/openai/completion_response.h"
#include "server/openai/tally.h"
#include "server/openai/token_channel.h"

namespace sovereign::server::openai {

// Not thread-safe.
class CompletionStream {
 public:
  // `echoes`: the text that each choice begins with; as many as there are choices.
  CompletionStream(const ResponseHead& head, std::vector<std::string> echoes, bool include_usage,
                   bool with_logprobs);

  // Payloads to send now. The last batch brings the usage (when asked for) and [DONE], or the failure.
  std::vector<std::string> absorb(TokenBatch batch);
  std::optional<ApiFailure> failure() const { return tally_.failure(); }

 private:
  struct Choice {
    std::string echo;                            // not told yet
    std::vector<engine::TokenLogprob> logprobs;  // of tokens whose text is held back
    std::size_t characters = 0;                  // of the tokens whose logprobs were told
  };

  TextChunks chunks_;
  bool include_usage_;
  bool with_logprobs_;
  std::vector<Choice> choices_;
  Tally tally_;
};

}  // namespace sovereign::server::openai
