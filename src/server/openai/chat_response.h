// The JSON of chat.completion and chat.completion.chunk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/chat_format.h"
#include "engine/generation.h"
#include "server/openai/response_parts.h"

namespace sovereign::server::openai {

using ChatChoice = runtime::Choice;

// The whole answer of a request that is not streamed. `receipt` may be null.
std::string chat_completion_json(const ResponseHead& head, const std::vector<ChatChoice>& choices,
                                 const Usage& usage, bool with_logprobs,
                                 const pci::ReceiptFile* receipt = nullptr);

// The same in two parts, of which the second is the same each time that the answer is found in the cache.
void append_chat_beginning(std::string& out, std::string_view id, std::int64_t created);
void append_chat_rest(std::string& out, std::string_view model, std::string_view fingerprint,
                      const std::vector<ChatChoice>& choices, const Usage& usage, bool with_logprobs,
                      const pci::ReceiptFile* receipt = nullptr);

// Of an answer that was found: finding it took no time.
Usage usage_of_found(const runtime::SovereignResult& result);

// Makes the chunks of one stream. What does not change from chunk to chunk is written once, in the
// constructor, and every chunk is put together by appending. Not thread-safe.
class ChatChunks {
 public:
  // `include_usage`: every chunk but the last says "usage":null, as OpenAI does.
  ChatChunks(const ResponseHead& head, bool include_usage);

  // The first of a choice. `content` is "" or null.
  std::string role(std::uint32_t choice, bool null_content) const;
  // `logprobs` may be null.
  std::string content(std::uint32_t choice, std::string_view text,
                      const std::vector<engine::TokenLogprob>* logprobs) const;
  // `delta_json` is the inside of the delta object, e.g. `"tool_calls":[…]`.
  std::string delta(std::uint32_t choice, std::string_view delta_json,
                    const std::vector<engine::TokenLogprob>* logprobs) const;
  // The last of a choice. `quality` may be null.
  std::string finish(std::uint32_t choice, std::string_view reason,
                     const std::vector<engine::TokenLogprob>* logprobs,
                     const runtime::Quality* quality = nullptr) const;
  // An empty delta of the first choice, since clients look there, with the receipt beside the choices.
  std::string receipt(const pci::ReceiptFile& receipt) const;
  // The last of the stream, with no choices.
  std::string usage(const Usage& usage) const;

 private:
  std::string begin(std::uint32_t choice) const;
  void end(std::string& out, const std::vector<engine::TokenLogprob>* logprobs, std::string_view finish,
           const runtime::Quality* quality = nullptr) const;

  std::string head_;  // up to `"choices":[`
  std::string tail_;  // what closes a chunk
};

}  // namespace sovereign::server::openai
