#include "server/openai/chat_response.h"

#include "runtime/quality_json.h"
#include "server/openai/json_text.h"

namespace sovereign::server::openai {
namespace {

void append_tool_call(std::string& out, const engine::ChatToolCall& call) {
  out += "{\"id\":";
  append_json_string(out, call.id.empty() ? make_id("call_") : call.id);
  out += ",\"type\":\"function\",\"function\":{\"name\":";
  append_json_string(out, call.name);
  out += ",\"arguments\":";
  append_json_string(out, call.arguments);
  out += "}}";
}

void append_message(std::string& out, const engine::ChatMessage& message) {
  out += "{\"role\":\"assistant\",\"content\":";
  if (message.content.empty() && !message.tool_calls.empty()) {
    out += "null";
  } else {
    append_json_string(out, message.content);
  }
  out += ",\"refusal\":null";
  if (!message.reasoning_content.empty()) {
    out += ",\"reasoning_content\":";
    append_json_string(out, message.reasoning_content);
  }
  if (!message.tool_calls.empty()) {
    out += ",\"tool_calls\":[";
    for (const auto& call : message.tool_calls) {
      if (&call != &message.tool_calls.front()) out += ',';
      append_tool_call(out, call);
    }
    out += ']';
  }
  out += '}';
}

// Our own field; official clients pass over what they do not know.
void append_quality(std::string& out, const runtime::Quality* quality) {
  if (quality == nullptr) return;
  out += ",\"sovereign_quality\":";
  append_quality_json(out, *quality, runtime::QualityDetail::summary);
}

}  // namespace

std::string chat_completion_json(const ResponseHead& head, const std::vector<ChatChoice>& choices,
                                 const Usage& usage, bool with_logprobs, const pci::ReceiptFile* receipt) {
  // All but texts and log-probabilities fits into this.
  constexpr std::size_t kRestBytes = 1024;
  std::size_t bytes = kRestBytes;
  for (const auto& choice : choices) bytes += choice.message.content.size() + kRestBytes;
  std::string out;
  out.reserve(bytes);
  append_chat_beginning(out, head.id, head.created);
  append_chat_rest(out, head.model, head.fingerprint, choices, usage, with_logprobs, receipt);
  return out;
}

void append_chat_beginning(std::string& out, std::string_view id, std::int64_t created) {
  out += '{';
  append_head_beginning(out, id, "chat.completion", created);
}

void append_chat_rest(std::string& out, std::string_view model, std::string_view fingerprint,
                      const std::vector<ChatChoice>& choices, const Usage& usage, bool with_logprobs,
                      const pci::ReceiptFile* receipt) {
  append_head_rest(out, model, fingerprint);
  out += ",\"choices\":[";
  for (std::uint32_t i = 0; i < choices.size(); ++i) {
    const auto& choice = choices[i];
    out += i > 0 ? ",{\"index\":" : "{\"index\":";
    append_json_number(out, i);
    out += ",\"message\":";
    append_message(out, choice.message);
    out += ",\"logprobs\":";
    if (with_logprobs) {
      append_chat_logprobs(out, choice.logprobs);
    } else {
      out += "null";
    }
    out += ",\"finish_reason\":\"";
    out += finish_reason_name(choice.finish, !choice.message.tool_calls.empty());
    out += '"';
    append_quality(out, choice.quality.get());
    out += '}';
  }
  out += "],\"usage\":";
  append_usage(out, usage);
  out += ",\"timings\":";
  append_timings(out, usage);
  if (receipt != nullptr) append_receipt(out, *receipt);
  out += '}';
}

Usage usage_of_found(const runtime::SovereignResult& result) {
  Usage usage = result.usage;
  usage.prompt_ms = usage.predicted_ms = 0;
  return usage;
}

ChatChunks::ChatChunks(const ResponseHead& head, bool include_usage) {
  head_ = "{";
  append_head(head_, head, "chat.completion.chunk");
  head_ += ",\"choices\":[";
  tail_ = include_usage ? "],\"usage\":null" : "]";
}

std::string ChatChunks::begin(std::uint32_t choice) const {
  std::string out;
  out.reserve(head_.size() + 160);
  out += head_;
  out += "{\"index\":";
  append_json_number(out, choice);
  out += ",\"delta\":{";
  return out;
}

void ChatChunks::end(std::string& out, const std::vector<engine::TokenLogprob>* logprobs,
                     std::string_view finish, const runtime::Quality* quality) const {
  out += "},\"logprobs\":";
  if (logprobs != nullptr) {
    append_chat_logprobs(out, *logprobs);
  } else {
    out += "null";
  }
  out += ",\"finish_reason\":";
  if (finish.empty()) {
    out += "null}";
  } else {
    out += '"';
    out += finish;
    out += '"';
    append_quality(out, quality);
    out += '}';
  }
  out += tail_;
}

std::string ChatChunks::role(std::uint32_t choice, bool null_content) const {
  return delta(choice,
               null_content ? R"("role":"assistant","content":null)" : R"("role":"assistant","content":"")",
               nullptr);
}

std::string ChatChunks::content(std::uint32_t choice, std::string_view text,
                                const std::vector<engine::TokenLogprob>* logprobs) const {
  auto out = begin(choice);
  out += "\"content\":";
  append_json_string(out, text);
  end(out, logprobs, {});
  out += '}';
  return out;
}

std::string ChatChunks::delta(std::uint32_t choice, std::string_view delta_json,
                              const std::vector<engine::TokenLogprob>* logprobs) const {
  auto out = begin(choice);
  out += delta_json;
  end(out, logprobs, {});
  out += '}';
  return out;
}

std::string ChatChunks::finish(std::uint32_t choice, std::string_view reason,
                               const std::vector<engine::TokenLogprob>* logprobs,
                               const runtime::Quality* quality) const {
  auto out = begin(choice);
  end(out, logprobs, reason, quality);
  out += '}';
  return out;
}

std::string ChatChunks::receipt(const pci::ReceiptFile& receipt) const {
  auto out = begin(0);
  end(out, nullptr, {});
  append_receipt(out, receipt);
  out += '}';
  return out;
}

std::string ChatChunks::usage(const Usage& usage) const {
  std::string out = head_;
  out += "],\"usage\":";
  append_usage(out, usage);
  out += ",\"timings\":";
  append_timings(out, usage);
  out += '}';
  return out;
}

}  // namespace sovereign::server::openai
