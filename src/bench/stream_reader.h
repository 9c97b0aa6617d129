// Reads the events of a streamed OpenAI answer, chat or completion: is there text, what was used, did it end.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sovereign::bench {

class StreamReader {
 public:
  // One event's payload. True when it carries text of the answer.
  bool read(std::string_view payload);

  std::uint32_t prompt_tokens() const { return prompt_tokens_; }
  std::uint32_t cached_tokens() const { return cached_tokens_; }
  std::uint32_t output_tokens() const { return output_tokens_; }

  // Empty when the stream came to its proper end: "[DONE]" after a finish reason and usage.
  std::string error() const;

 private:
  std::uint32_t prompt_tokens_ = 0;
  std::uint32_t cached_tokens_ = 0;
  std::uint32_t output_tokens_ = 0;
  bool finished_ = false;
  bool done_ = false;
  std::string error_;
};

}  // namespace sovereign::bench
