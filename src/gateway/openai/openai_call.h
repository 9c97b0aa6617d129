// One query's call to a remote server: what the pieces of its answer mean for it.
//
// Not thread-safe: it lives on the event loop.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "gateway/api_route.h"
#include "gateway/openai/answer_course.h"
#include "gateway/openai/answer_reader.h"
#include "gateway/openai/remote_call.h"

namespace sovereign::gateway {

class OpenAiCall final : public RemoteCall {
 public:
  // The server is asked now. `reader`: for answers of that route.
  OpenAiCall(const RemoteConfig& config, std::shared_ptr<AnswerCourse> course, ApiRoute route,
             std::unique_ptr<AnswerReader> reader, Time now);

  std::stop_token stop_token() const override { return course_->stop_token(); }
  Time deadline() const override { return closes_at_.value_or(course_->deadline()); }
  void expire(Time now) override;
  void set_answerer(const BackendIdentity& answerer) override { course_->set_answerer(answerer); }
  bool take_event(std::string_view data, Time now) override;
  void take_answer(unsigned status, std::string_view body, std::string_view retry_after, Time now) override;
  void finish(const std::optional<Error>& error, Time now) override;

 private:
  bool tell(std::vector<engine::GenerationDelta> deltas, Time now);
  void refuse(Failure failure);

  const RemoteConfig& config_;
  const std::shared_ptr<AnswerCourse> course_;
  const ApiRoute route_;
  const std::unique_ptr<AnswerReader> answer_;
  std::optional<Time> closes_at_;  // after [DONE]: whatever the connection still does
};

}  // namespace sovereign::gateway
