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
  bool finished(std::uint32_t choice) const { return choice >= finished_.size() || finished_[choice]; }
  engine::GenerationSummary summary() const override;

 private:
  // `part`: "delta" or "message".
  void read_choice(const boost::json::value& choice, std::string_view part,
                   std::vector<engine::GenerationDelta>& deltas);
  void note_usage(const boost::json::value& answer);

  std::optional<bool> structured_;
  bool done_ = false;
  std::optional<Failure> broke_off_;  // of a choice that was broken off
  std::vector<bool> finished_;
  std::size_t unfinished_;
  std::uint32_t counted_tokens_ = 0;
  engine::GenerationSummary told_;
  bool usage_told_ = false;
};

}  // namespace sovereign::gateway
