// From what a server sends, event by event or whole, to deltas. Pure.
//
// Tolerant where servers differ (usage missing, finish reasons of their own, an answer that is not streamed
// although it was asked to be), strict where an answer could be mistaken for a whole one: a stream that ends
// before every choice has finished is an error, even with [DONE], and so is a choice that was aborted.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/openai/answer_reader.h"

namespace sovereign::gateway {

// Not thread-safe.
class ChatAnswer final : public AnswerReader {
 public:
  // `structured`: the answer may hold tool calls. Without, reasoning that comes first makes it so.
  ChatAnswer(std::uint32_t choices, bool structured);

  outcome<std::vector<engine::GenerationDelta>> read_event(std::string_view data) override;
  outcome<std::vector<engine::GenerationDelta>> read_whole(std::string_view body) override;

  bool structured() const override { return structured_.value_or(false); }
  bool complete() const override { return unfinished_ == 0; }
  bool done() const override { return done_; }
  bool finished(std::uint32_t choice) const override {
    return choice >= finished_.size() || finished_[choice];
  }
  engine::GenerationSummary summary() const override;

 private:
  // `part`: "delta" or "message".
  void read_choice(const boost::json::value& choice, std::string_view part,
                   std::vector<engine::GenerationDelta>& deltas);
  void read_usage(const boost::json::value& answer);
  tl::unexpected<Failure> refuse_broken() const;

  std::optional<bool> structured_;
  bool done_ = false;
  std::string broke_off_;  // the finish reason of a choice that was broken off
  std::vector<bool> finished_;
  std::size_t unfinished_;
  std::uint32_t counted_tokens_ = 0;
  engine::GenerationSummary told_;
  bool usage_told_ = false;
};

inline constexpr std::size_t kMaxQuotedBytes = 300;  // of what a server says, in our messages

// Servers have names of their own for a good end, and others for a bad one: FinishReason::error.
engine::FinishReason finish_of(std::string_view name);

// An error object of OpenAI's, or any body, as a sentence of bounded length.
std::string error_message(std::string_view body);
// Its code, when that is a string.
std::string error_code(std::string_view body);

}  // namespace sovereign::gateway
