// The JSON of text_completion, whole and in chunks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/generation.h"
#include "server/openai/response_parts.h"

namespace sovereign::server::openai {

struct TextChoice {
  std::string text;
  engine::FinishReason finish = engine::FinishReason::stop;
  std::vector<engine::TokenLogprob> logprobs;
};

std::string text_completion_json(const ResponseHead& head, const std::vector<TextChoice>& choices,
                                 const Usage& usage, bool with_logprobs);

// Makes the chunks of one stream; see ChatChunks.
class TextChunks {
 public:
  TextChunks(const ResponseHead& head, bool include_usage);

  // `finish` is empty but for the last chunk of a choice. `logprobs` may be null; `offset` is the
  // number of characters told before.
  std::string text(std::uint32_t choice, std::string_view text,
                   const std::vector<engine::TokenLogprob>* logprobs, std::size_t offset,
                   std::string_view finish) const;
  std::string usage(const Usage& usage) const;

 private:
  std::string head_;
  std::string tail_;
};

}  // namespace sovereign::server::openai
