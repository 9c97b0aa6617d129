#include "server/openai/completion_response.h"

#include "server/openai/json_text.h"

namespace sovereign::server::openai {
namespace {

void append_choice(std::string& out, std::uint32_t index, std::string_view text,
                   const std::vector<engine::TokenLogprob>* logprobs, std::size_t offset,
                   std::string_view finish) {
  out += "{\"index\":";
  append_json_number(out, index);
  out += ",\"text\":";
  append_json_string(out, text);
  out += ",\"logprobs\":";
  if (logprobs != nullptr) {
    append_text_logprobs(out, *logprobs, offset);
  } else {
    out += "null";
  }
  out += ",\"finish_reason\":";
  if (finish.empty()) {
    out += "null}";
  } else {
    out += '"';
    out += finish;
    out += "\"}";
  }
}

}  // namespace

std::string text_completion_json(const ResponseHead& head, const std::vector<TextChoice>& choices,
                                 const Usage& usage, bool with_logprobs) {
  std::string out = "{";
  append_head(out, head, "text_completion");
  out += ",\"choices\":[";
  for (std::uint32_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += ',';
    append_choice(out, i, choices[i].text, with_logprobs ? &choices[i].logprobs : nullptr, 0,
                  finish_reason_name(choices[i].finish, false));
  }
  out += "],\"usage\":";
  append_usage(out, usage);
  out += ",\"timings\":";
  append_timings(out, usage);
  out += '}';
  return out;
}

TextChunks::TextChunks(const ResponseHead& head, bool include_usage) {
  head_ = "{";
  append_head(head_, head, "text_completion");
  head_ += ",\"choices\":[";
  tail_ = include_usage ? "],\"usage\":null}" : "]}";
}

std::string TextChunks::text(std::uint32_t choice, std::string_view text,
                             const std::vector<engine::TokenLogprob>* logprobs, std::size_t offset,
                             std::string_view finish) const {
  std::string out;
  out.reserve(head_.size() + text.size() + 120);
  out += head_;
  append_choice(out, choice, text, logprobs, offset, finish);
  out += tail_;
  return out;
}

std::string TextChunks::usage(const Usage& usage) const {
  std::string out = head_;
  out += "],\"usage\":";
  append_usage(out, usage);
  out += ",\"timings\":";
  append_timings(out, usage);
  out += '}';
  return out;
}

}  // namespace sovereign::server::openai
