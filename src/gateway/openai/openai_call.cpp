#include "gateway/openai/openai_call.h"

#include <fmt/format.h>

#include <utility>

#include "gateway/openai/relay_answer.h"
#include "gateway/openai/structured_text.h"

namespace sovereign::gateway {

OpenAiCall::OpenAiCall(const RemoteConfig& config, std::shared_ptr<AnswerCourse> course, ApiRoute route,
                       std::unique_ptr<AnswerReader> reader, Time now)
    : config_(config), course_(std::move(course)), route_(route), answer_(std::move(reader)) {
  course_->set_off(now);
}

void OpenAiCall::expire(Time now) {
  course_->expire(now);
  closes_at_.reset();
}

void OpenAiCall::refuse(Failure failure) {
  failure.message = fmt::format("backend '{}': {}", config_.name, failure.message);
  course_->fail_with(std::move(failure));
}

bool OpenAiCall::tell(std::vector<engine::GenerationDelta> deltas, Time now) {
  if (!course_->tell(std::move(deltas), answer_->structured() ? structured_text() : nullptr, now))
    return false;
  if (answer_->complete()) course_->complete_all();
  return true;
}

bool OpenAiCall::take_event(std::string_view data, Time now) {
  // A server that never pauses never lets a timer have its turn.
  if (course_->overdue(now)) {
    expire(now);
    return false;
  }
  auto deltas = answer_->read_event(data);
  if (!deltas) {
    refuse(std::move(deltas.error()));
    return false;
  }
  if (course_->ended()) return true;
  if (!tell(std::move(*deltas), now)) return false;
  if (answer_->done()) {
    // The client need not wait for the connection's end, nor the connection for ever.
    finish(std::nullopt, now);
    closes_at_ = now + kLastBytesLimit;
  }
  return true;
}

void OpenAiCall::take_answer(unsigned status, std::string_view body, std::string_view retry_after, Time now) {
  if (route_ != ApiRoute::chat && lacks_route(status, body)) {
    return course_->fail_with({ErrorCode::unsupported,
                               fmt::format("backend '{}' has no /v1{}", config_.name, path_of(route_)),
                               {},
                               std::string(kRouteMissing)});
  }
  if (status == 404 && course_->named_model()) {
    // The server lists it, and cannot serve it. It may well serve others.
    return course_->fail_with({ErrorCode::not_found,
                               failure_of_status(config_.name, status, body, {}).message, "model",
                               "model_not_found"});
  }
  if (status / 100 != 2) {
    return course_->fail_with(failure_of_status(config_.name, status, body, retry_after));
  }
  auto deltas = answer_->read_whole(body);
  if (!deltas) return refuse(std::move(deltas.error()));
  tell(std::move(*deltas), now);
}

void OpenAiCall::finish(const std::optional<Error>& error, Time now) {
  course_->finish(answer_->summary(), error, now);
}

}  // namespace sovereign::gateway
