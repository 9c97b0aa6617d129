#include "gateway/openai/relay_answer.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cctype>
#include <utility>

#include "gateway/openai/answer_json.h"
#include "gateway/openai/json_members.h"

namespace sovereign::gateway {
namespace {

namespace json = boost::json;

// 32 choices of each of 64 prompts are what a request may ask for here, and servers have bounds of their own.
constexpr std::size_t kMaxChoices = 64 * 1024;

bool mentions_model(std::string_view text) {
  constexpr std::string_view kModel = "model";
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(text.begin(), text.end(), kModel.begin(), kModel.end(), same) != text.end();
}

}  // namespace

outcome<void> RelayAnswer::note_finishes(std::string_view choices) {
  std::error_code error;
  const json::value list = json::parse(json::string_view(choices.data(), choices.size()), error);
  if (error || !list.is_array()) return refuse(ErrorCode::corrupt, "the answer's choices are no list");
  for (const auto& choice : list.get_array()) {
    if (!choice.is_object()) continue;
    const auto* index = choice.get_object().if_contains("index");
    const auto* finish = choice.get_object().if_contains("finish_reason");
    const std::int64_t number = index != nullptr && index->is_int64() ? index->get_int64() : 0;
    const bool finishes = finish != nullptr && finish->is_string();
    const std::string reason = finishes ? std::string(finish->get_string()) : std::string();
    if (finish_of(reason) == engine::FinishReason::error) return tl::unexpected<Failure>(broken_off(reason));
    bool& ended = finished_[number];
    ended = ended || finishes;
  }
  if (finished_.size() > kMaxChoices) return refuse(ErrorCode::corrupt, "the answer has too many choices");
  return {};
}

outcome<std::vector<engine::GenerationDelta>> RelayAnswer::read(std::string_view text, bool whole) {
  const auto members = json_members(text);
  if (!members) {
    return refuse(ErrorCode::corrupt, whole ? "the answer is not a JSON object"
                                            : "the stream holds an event that is not a JSON object");
  }
  if (find_member(*members, "error") != nullptr) {
    return refuse(ErrorCode::unavailable, error_message(text), error_code(text));
  }
  const auto* choices = find_member(*members, "choices");
  const auto* vectors = find_member(*members, "data");
  const bool is_answer = route_ == ApiRoute::embeddings
                             ? vectors != nullptr && vectors->value.starts_with('[')
                             : choices != nullptr;
  if (whole && !is_answer) return refuse(ErrorCode::corrupt, "the answer is not what was asked for");
  if (choices != nullptr) {
    if (const auto noted = note_finishes(choices->value); !noted)
      return tl::unexpected<Failure>(noted.error());
  }
  std::vector<engine::GenerationDelta> deltas(1);
  deltas.front().text = text;
  deltas.front().tokens = 1;
  return deltas;
}

outcome<std::vector<engine::GenerationDelta>> RelayAnswer::read_event(std::string_view data) {
  if (done_) return std::vector<engine::GenerationDelta>();
  if (!stream_) return refuse(ErrorCode::corrupt, "the answer comes in events, for which nobody asked");
  if (data != "[DONE]") return read(data, false);
  done_ = true;
  complete_ = !finished_.empty() && std::all_of(finished_.begin(), finished_.end(),
                                                [](const auto& choice) { return choice.second; });
  return std::vector<engine::GenerationDelta>();
}

outcome<std::vector<engine::GenerationDelta>> RelayAnswer::read_whole(std::string_view body) {
  auto deltas = read(body, true);
  if (deltas) complete_ = true;
  return deltas;
}

bool lacks_route(unsigned status, std::string_view body) {
  if (status == 405 || status == 501) return true;
  if (status != 404) return false;
  // Servers say 404 for a model that they do not have, too: by its code, or in words.
  return !mentions_model(error_message(body)) && !mentions_model(error_code(body));
}

}  // namespace sovereign::gateway
