#include "gateway/openai/completion_answer.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "gateway/openai/answer_json.h"

namespace sovereign::gateway {

namespace json = boost::json;

outcome<std::uint32_t> CompletionAnswer::prompt_of(const json::value& choice) const {
  const auto* index = find(choice, "index");
  if (index == nullptr && prompts_.size() == 1) return 0U;
  std::error_code error;
  const auto prompt = index == nullptr ? -1 : index->to_number<std::int64_t>(error);
  if (error || prompt < 0 || prompt >= static_cast<std::int64_t>(prompts_.size())) {
    return refuse(ErrorCode::corrupt, "a choice does not say which of the prompts it is of");
  }
  return static_cast<std::uint32_t>(prompt);
}

outcome<std::vector<CompletionAnswer::Piece>> CompletionAnswer::read_choices(const json::value& answer) {
  std::vector<Piece> pieces;
  const auto* list = find(answer, "choices");
  static const json::array kNone;
  const json::array& choices = list != nullptr && list->is_array() ? list->get_array() : kNone;
  const auto* usage = find(answer, "usage");
  if (usage != nullptr && usage->is_object()) {
    // Beside one choice it is that choice's; else the sum over all prompts.
    auto of = choices.size() == 1 ? prompt_of(choices.front()) : outcome<std::uint32_t>(0U);
    if (!of) return tl::unexpected<Failure>(of.error());
    if (choices.size() == 1 || prompts_.size() == 1) prompts_[*of].told = read_usage(*usage);
  }
  for (const json::value& choice : choices) {
    const auto of = prompt_of(choice);
    if (!of) return tl::unexpected<Failure>(of.error());
    Prompt& prompt = prompts_[*of];
    if (prompt.finished) continue;
    Piece piece;
    piece.prompt = *of;
    piece.delta.text = text_of(choice, "text");
    const auto finish = text_of(choice, "finish_reason");
    if (!finish.empty()) {
      prompt.finished = true;
      piece.delta.finish = finish_of(finish);
      if (piece.delta.finish == engine::FinishReason::error) piece.failure = broken_off(finish);
    }
    if (piece.delta.text.empty() && !piece.delta.finish) continue;
    // Servers send about one token per event.
    piece.delta.tokens = piece.delta.text.empty() ? 0 : 1;
    prompt.counted_tokens += piece.delta.tokens;
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

outcome<std::vector<CompletionAnswer::Piece>> CompletionAnswer::read_event(std::string_view data) {
  if (done_) return std::vector<Piece>{};
  if (data == "[DONE]") {
    done_ = true;
    return std::vector<Piece>{};
  }
  std::error_code error;
  const json::value event = json::parse(json::string_view(data.data(), data.size()), error);
  // llama-server says so when it begins with a further prompt.
  if (!error && event.is_null()) return std::vector<Piece>{};
  if (error || !event.is_object()) {
    return refuse(ErrorCode::corrupt, "the stream holds an event that is not a JSON object");
  }
  if (find(event, "error") != nullptr) {
    const bool blamed = blames_request(data);
    return refuse(blamed ? ErrorCode::invalid_argument : ErrorCode::unavailable, error_message(data),
                  error_code(data));
  }
  return read_choices(event);
}

outcome<std::vector<CompletionAnswer::Piece>> CompletionAnswer::read_whole(std::string_view body) {
  std::error_code error;
  const json::value answer = json::parse(json::string_view(body.data(), body.size()), error);
  const auto* choices = error ? nullptr : find(answer, "choices");
  if (choices != nullptr && choices->is_array()) return read_choices(answer);
  if (!error && find(answer, "error") != nullptr) {
    const bool blamed = blames_request(body);
    return refuse(blamed ? ErrorCode::invalid_argument : ErrorCode::unavailable, error_message(body),
                  error_code(body));
  }
  return refuse(ErrorCode::corrupt, "the answer is not a completion");
}

engine::GenerationSummary CompletionAnswer::summary(std::uint32_t prompt) const {
  const Prompt& of = prompts_[prompt];
  if (of.told) return *of.told;
  engine::GenerationSummary summary;
  summary.completion_tokens = of.counted_tokens;
  return summary;
}

}  // namespace sovereign::gateway
