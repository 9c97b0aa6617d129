#include "gateway/openai/chat_answer.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <utility>

#include "gateway/openai/structured_text.h"

namespace sovereign::gateway {
namespace {

namespace json = boost::json;

const json::value* find(const json::value& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto* value = object.get_object().if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string_view text_of(const json::value& object, std::string_view name) {
  const auto* value = find(object, name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

std::uint32_t number_of(const json::value& object, std::string_view name) {
  const auto* value = find(object, name);
  if (value == nullptr) return 0;
  std::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  return error || number < 0 ? 0 : static_cast<std::uint32_t>(std::min<std::int64_t>(number, UINT32_MAX));
}

engine::CandidateLogprob read_candidate(const json::value& entry) {
  engine::CandidateLogprob candidate;
  if (const auto* bytes = find(entry, "bytes"); bytes != nullptr && bytes->is_array()) {
    for (const auto& byte : bytes->get_array()) {
      if (byte.is_int64()) candidate.bytes += static_cast<char>(byte.get_int64());
    }
  } else {
    candidate.bytes = text_of(entry, "token");
  }
  if (const auto* value = find(entry, "logprob")) {
    std::error_code error;
    const double logprob = value->to_number<double>(error);
    candidate.logprob = error ? -INFINITY : static_cast<float>(logprob);
  }
  return candidate;
}

std::vector<engine::TokenLogprob> read_logprobs(const json::value& choice) {
  std::vector<engine::TokenLogprob> tokens;
  const auto* logprobs = find(choice, "logprobs");
  const auto* content = logprobs == nullptr ? nullptr : find(*logprobs, "content");
  if (content == nullptr || !content->is_array()) return tokens;
  for (const auto& entry : content->get_array()) {
    engine::TokenLogprob token;
    token.chosen = read_candidate(entry);
    if (const auto* top = find(entry, "top_logprobs"); top != nullptr && top->is_array()) {
      for (const auto& other : top->get_array()) token.top.push_back(read_candidate(other));
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::string_view reasoning_of(const json::value& message) {
  const auto text = text_of(message, "reasoning_content");
  return text.empty() ? text_of(message, "reasoning") : text;  // vLLM's older and newer name
}

void append_calls(const json::value& message, std::string& out) {
  const auto* calls = find(message, "tool_calls");
  if (calls == nullptr || !calls->is_array()) return;
  std::uint32_t position = 0;
  for (const auto& call : calls->get_array()) {
    const std::uint32_t index = find(call, "index") != nullptr ? number_of(call, "index") : position;
    ++position;
    if (const auto id = text_of(call, "id"); !id.empty()) append_call(out, index, CallPart::id, id);
    const auto* function = find(call, "function");
    if (function == nullptr) continue;
    if (const auto name = text_of(*function, "name"); !name.empty()) {
      append_call(out, index, CallPart::name, name);
    }
    if (const auto arguments = text_of(*function, "arguments"); !arguments.empty()) {
      append_call(out, index, CallPart::arguments, arguments);
    }
  }
}

bool has_calls(const json::value& message) {
  const auto* calls = find(message, "tool_calls");
  return calls != nullptr && calls->is_array() && !calls->get_array().empty();
}

tl::unexpected<Failure> refuse(ErrorCode code, std::string message, std::string reason = {}) {
  return tl::unexpected<Failure>({code, std::move(message), {}, std::move(reason)});
}

}  // namespace

engine::FinishReason finish_of(std::string_view name) {
  // vLLM, SGLang, DeepSeek.
  constexpr std::array<std::string_view, 7> kBrokenOff = {
      "abort", "aborted", "cancelled", "canceled", "error", "timeout", "insufficient_system_resource"};
  if (name == "length") return engine::FinishReason::length;
  if (name == "content_filter") return engine::FinishReason::filtered;
  const bool broken = std::find(kBrokenOff.begin(), kBrokenOff.end(), name) != kBrokenOff.end();
  return broken ? engine::FinishReason::error : engine::FinishReason::stop;
}

ChatAnswer::ChatAnswer(std::uint32_t choices, bool structured)
    : structured_(structured ? std::optional<bool>(true) : std::nullopt),
      finished_(choices),
      unfinished_(choices) {}

void ChatAnswer::read_choice(const json::value& choice, std::string_view part,
                             std::vector<engine::GenerationDelta>& deltas) {
  engine::GenerationDelta delta;
  delta.choice = number_of(choice, "index");
  if (delta.choice >= finished_.size() || finished_[delta.choice]) return;
  delta.logprobs = read_logprobs(choice);
  const auto finish = text_of(choice, "finish_reason");
  if (!finish.empty()) delta.finish = finish_of(finish);
  if (delta.finish == engine::FinishReason::error) {
    if (broke_off_.empty()) broke_off_ = finish.substr(0, kMaxQuotedBytes);
    return;
  }
  if (const auto* message = find(choice, part)) {
    const auto content = text_of(*message, "content");
    const auto reasoning = reasoning_of(*message);
    const bool calls = has_calls(*message);
    if (!structured_ && (!content.empty() || !reasoning.empty() || calls))
      structured_ = !reasoning.empty() || calls;
    if (!structured()) {
      delta.text = content;
    } else {
      if (!reasoning.empty()) append_reasoning(delta.text, reasoning);
      if (!content.empty()) append_content(delta.text, content);
      append_calls(*message, delta.text);
    }
  }
  if (delta.text.empty() && !delta.finish && delta.logprobs.empty()) return;
  // Servers that do not give logprobs send about one token per event.
  delta.tokens = !delta.logprobs.empty() ? static_cast<std::uint32_t>(delta.logprobs.size())
                 : delta.text.empty()    ? 0
                                         : 1;
  counted_tokens_ += delta.tokens;
  if (delta.finish) {
    finished_[delta.choice] = true;
    --unfinished_;
  }
  deltas.push_back(std::move(delta));
}

void ChatAnswer::read_usage(const json::value& object) {
  const auto* usage = find(object, "usage");
  if (usage == nullptr || !usage->is_object()) return;
  usage_told_ = true;
  told_.prompt_tokens = number_of(*usage, "prompt_tokens");
  told_.completion_tokens = number_of(*usage, "completion_tokens");
  if (const auto* details = find(*usage, "prompt_tokens_details")) {
    told_.cached_prompt_tokens = number_of(*details, "cached_tokens");
  }
}

outcome<std::vector<engine::GenerationDelta>> ChatAnswer::read_event(std::string_view data) {
  std::vector<engine::GenerationDelta> deltas;
  if (done_) return deltas;
  if (data == "[DONE]") {
    done_ = true;
    return deltas;
  }
  std::error_code error;
  const json::value event = json::parse(json::string_view(data.data(), data.size()), error);
  if (error || !event.is_object()) {
    return refuse(ErrorCode::corrupt, "the stream holds an event that is not a JSON object");
  }
  if (find(event, "error") != nullptr) {
    return refuse(ErrorCode::unavailable, error_message(data), error_code(data));
  }
  read_usage(event);
  if (const auto* choices = find(event, "choices"); choices != nullptr && choices->is_array()) {
    for (const auto& choice : choices->get_array()) read_choice(choice, "delta", deltas);
  }
  if (!broke_off_.empty()) return refuse_broken();
  return deltas;
}

outcome<std::vector<engine::GenerationDelta>> ChatAnswer::read_whole(std::string_view body) {
  std::error_code error;
  const json::value answer = json::parse(json::string_view(body.data(), body.size()), error);
  const auto* choices = error ? nullptr : find(answer, "choices");
  if (choices == nullptr || !choices->is_array()) {
    if (!error && find(answer, "error") != nullptr) {
      return refuse(ErrorCode::unavailable, error_message(body), error_code(body));
    }
    return refuse(ErrorCode::corrupt, "the answer is not a chat completion");
  }
  std::vector<engine::GenerationDelta> deltas;
  // Calls or reasoning of any choice decide how all are told.
  for (const auto& choice : choices->get_array()) {
    const auto* message = find(choice, "message");
    if (message != nullptr && (has_calls(*message) || !reasoning_of(*message).empty())) structured_ = true;
  }
  read_usage(answer);
  for (const auto& choice : choices->get_array()) read_choice(choice, "message", deltas);
  if (!broke_off_.empty()) return refuse_broken();
  return deltas;
}

tl::unexpected<Failure> ChatAnswer::refuse_broken() const {
  return refuse(ErrorCode::unavailable, "it broke its answer off, as '" + broke_off_ + "'",
                "backend_broke_off");
}

engine::GenerationSummary ChatAnswer::summary() const {
  engine::GenerationSummary summary = told_;
  if (!usage_told_) summary.completion_tokens = counted_tokens_;
  return summary;
}

std::string error_message(std::string_view body) {
  std::error_code failed;
  const json::value value = json::parse(json::string_view(body.data(), body.size()), failed);
  std::string_view text = body;
  if (!failed) {
    const auto* error = find(value, "error");
    if (error != nullptr && error->is_string()) text = text_of(value, "error");
    if (error != nullptr && !text_of(*error, "message").empty()) text = text_of(*error, "message");
    if (error == nullptr && !text_of(value, "message").empty()) text = text_of(value, "message");
    if (error == nullptr && !text_of(value, "detail").empty()) text = text_of(value, "detail");
  }
  std::string message(text.substr(0, kMaxQuotedBytes));
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return message;
}

std::string error_code(std::string_view body) {
  std::error_code failed;
  const json::value value = json::parse(json::string_view(body.data(), body.size()), failed);
  const auto* error = failed ? nullptr : find(value, "error");
  return error == nullptr ? std::string() : std::string(text_of(*error, "code").substr(0, kMaxQuotedBytes));
}

}  // namespace sovereign::gateway
