// A streamed chat answer: from batches of tokens to the payloads of its events. No sockets.
// A choice's last chunk waits for the end of all: the quality note in it is known only then.
// An answer that was found, not made, is told as a stream too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/backend.h"
#include "server/openai/api_failure.h"
#include "server/openai/chat_deltas.h"
#include "server/openai/chat_response.h"
#include "server/openai/tally.h"
#include "server/openai/token_channel.h"

namespace sovereign::server::openai {

// Not thread-safe. With a `syntax` the text is read over and over, which takes
// time: call absorb() on a worker then. Without one the text is the content, and absorb() is cheap.
class ChatStream {
 public:
  ChatStream(const ResponseHead& head, std::uint32_t choices, bool include_usage, bool with_logprobs,
             std::shared_ptr<const gateway::AnswerSyntax> syntax = nullptr);

  // Whether absorb() will have to parse.
  bool parses(const TokenBatch& batch) const {
    return (batch.beginning ? batch.beginning->syntax : syntax_) != nullptr;
  }

  // Payloads to send now. The last batch brings the usage (when asked for) and [DONE], or the failure.
  std::vector<std::string> absorb(TokenBatch batch);

  // Why the stream failed; known with the last batch. Before anything was sent it is better answered
  // with a status.
  std::optional<ApiFailure> failure() const { return tally_.failure(); }

 private:
  struct Choice {
    std::string text;  // all of it; only with a syntax
    ChatDeltas deltas;
    std::vector<engine::TokenLogprob> logprobs;  // of tokens whose text is held back
    bool begun = false;
    std::optional<engine::FinishReason> finish;
  };

  void take_beginning(const runtime::Beginning& beginning);
  void name_answerer(const std::string& model, const std::string& fingerprint);
  void replay(const runtime::SovereignResult& result, std::vector<std::string>& payloads);
  void tell_plain(const engine::GenerationDelta& delta, std::vector<std::string>& payloads);
  void tell_parsed(std::uint32_t index, std::vector<std::string>& payloads);
  void tell_finish(std::uint32_t index, const runtime::Quality* quality, std::vector<std::string>& payloads);
  const std::vector<engine::TokenLogprob>* logprobs_of(const Choice& choice) const;

  ResponseHead head_;
  ChatChunks chunks_;
  bool include_usage_;
  bool with_logprobs_;
  std::shared_ptr<const gateway::AnswerSyntax> syntax_;
  std::vector<Choice> choices_;
  Tally tally_;
  bool begun_ = false;  // anything of any choice was told
};

}  // namespace sovereign::server::openai
