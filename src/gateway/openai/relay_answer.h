// The answer to a text completion or to embeddings, passed on as it came: each delta's text is one event's
// data, or the whole body.
//
// Read only as far as it takes to tell an answer from none: an error, another form, a choice that the server
// broke off, a stream that ends before its choices, events that nobody asked for. A body for one who asked
// for events is one event.
#pragma once

#include <map>
#include <string>

#include "gateway/api_route.h"
#include "gateway/openai/answer_reader.h"

namespace sovereign::gateway {

// Not thread-safe.
class RelayAnswer final : public AnswerReader {
 public:
  RelayAnswer(ApiRoute route, bool stream) : route_(route), stream_(stream) {}

  outcome<std::vector<engine::GenerationDelta>> read_event(std::string_view data) override;
  outcome<std::vector<engine::GenerationDelta>> read_whole(std::string_view body) override;

  bool structured() const override { return false; }
  bool complete() const override { return complete_; }
  bool done() const override { return done_; }
  bool finished(std::uint32_t /*choice*/) const override { return complete_; }
  engine::GenerationSummary summary() const override { return {}; }

 private:
  outcome<std::vector<engine::GenerationDelta>> read(std::string_view text, bool whole);
  // Of a list of choices. Errors: likewise.
  outcome<void> note_finishes(std::string_view choices);

  const ApiRoute route_;
  const bool stream_;
  std::map<std::int64_t, bool> finished_;  // of each choice that was seen; at most kMaxChoices
  bool complete_ = false;
  bool done_ = false;
};

// Whether a status shows a server that lacks the route, rather than the model or the will.
bool lacks_route(unsigned status, std::string_view body);

}  // namespace sovereign::gateway
