#include "gateway/openai/answer_course.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sovereign::gateway {
namespace {

std::size_t size_of(const engine::GenerationDelta& delta) {
  std::size_t bytes = delta.text.size();
  for (const auto& token : delta.logprobs)
    bytes += sizeof token + token.top.size() * sizeof(engine::CandidateLogprob);
  return bytes;
}

}  // namespace

AnswerCourse::AnswerCourse(const RemoteConfig& config, const GenerateRequest& request,
                           std::shared_ptr<GenerateSink> sink, Time now)
    : config_(config),
      request_deadline_(request.deadline.value_or(Time::max())),
      first_token_by_(request.first_token_by.value_or(Time::max())),
      named_model_(!request.model.empty()),
      sent_whole_(request.relay && !request.relay->stream && request.relay->route == ApiRoute::completions),
      passed_on_(request.relay && request.relay->stream),
      began_(now),
      sink_(std::move(sink)),
      finished_(request.n),
      unfinished_(request.n) {
  set_deadline(now);
}

void AnswerCourse::set_off(Time now) {
  set_off_ = now;
  if (config_.total_timeout.count() != 0) total_deadline_ = now + config_.total_timeout;
  set_deadline(now);
}

void AnswerCourse::set_deadline(Time since) {
  deadline_ = std::min(request_deadline_, total_deadline_);
  if (!first_token_) deadline_ = std::min(deadline_, first_token_by_);
  const auto limit = sent_whole_    ? config_.total_timeout
                     : first_token_ ? config_.token_timeout
                                    : config_.first_token_timeout;
  if (set_off_ && limit.count() != 0) deadline_ = std::min(deadline_, since + limit);
}

void AnswerCourse::expire(Time now) {
  if (expired_ != Expired::no) return;
  expired_at_ = now;
  expired_ = now >= request_deadline_ ? Expired::by_request
             : now >= total_deadline_ ? Expired::in_all
             : first_token_           ? Expired::next_token
                                      : Expired::first_token;
  stop_.request_stop();
}

void AnswerCourse::fail_with(Failure failure) {
  if (!failure_) failure_ = std::move(failure);
}

void AnswerCourse::begin(const std::shared_ptr<const AnswerSyntax>& syntax, Time now) {
  if (first_token_) return;
  first_token_ = now;
  if (answerer_) sink_->on_redirect(*answerer_);
  sink_->on_begin(syntax);
}

bool AnswerCourse::tell(std::vector<engine::GenerationDelta> deltas,
                        const std::shared_ptr<const AnswerSyntax>& syntax, Time now) {
  for (auto& delta : deltas) {
    told_bytes_ += passed_on_ ? 0 : size_of(delta);
    if (told_bytes_ > kMaxAnswerBytes) {
      fail_with({ErrorCode::corrupt, fmt::format("backend '{}': its answer is larger than {} bytes",
                                                 config_.name, kMaxAnswerBytes)});
      return false;
    }
    begin(syntax, now);
    if (delta.finish && !finished_[delta.choice]) {
      finished_[delta.choice] = true;
      --unfinished_;
    }
    sink_->on_delta(std::move(delta));
  }
  // An event without any text is no sign that one comes.
  if (!deltas.empty()) set_deadline(now);
  return true;
}

void AnswerCourse::end_choices(engine::FinishReason reason, Time now) {
  begin(nullptr, now);
  for (std::uint32_t choice = 0; choice < finished_.size(); ++choice) {
    if (finished_[choice]) continue;
    engine::GenerationDelta delta;
    delta.choice = choice;
    delta.finish = reason;
    sink_->on_delta(std::move(delta));
  }
}

// The server had less than half of the time until then: the rest was spent waiting for its turn.
bool AnswerCourse::was_asked_late(Time limit) const {
  return !set_off_ || limit - *set_off_ < (limit - began_) / 2;
}

Failure AnswerCourse::timed_out() const {
  const auto waited = std::chrono::round<std::chrono::milliseconds>(expired_at_ - began_);
  const bool late = !has_token() && ((expired_ == Expired::by_request && was_asked_late(request_deadline_)) ||
                                     (expired_ == Expired::first_token && expired_at_ >= first_token_by_ &&
                                      was_asked_late(first_token_by_)));
  Failure failure(ErrorCode::deadline_exceeded, {}, {}, "backend_timeout");
  if (late) {
    failure.message =
        fmt::format("the request waited {} ms for its turn at backend '{}'", waited.count(), config_.name);
    failure.blameless = true;
  } else if (expired_ == Expired::in_all) {
    failure.message = fmt::format("backend '{}' took longer than {} ms in all", config_.name,
                                  config_.total_timeout.count());
  } else {
    const bool first = expired_ == Expired::first_token;
    failure.message =
        fmt::format("backend '{}' sent no {} for {} ms", config_.name, first ? "token" : "further token",
                    (first ? waited : config_.token_timeout).count());
  }
  return failure;
}

void AnswerCourse::finish(const engine::GenerationSummary& tokens, const std::optional<Error>& error,
                          Time now, ToldEnds* told) {
  if (!sink_) return;
  auto summary = tokens;
  const bool had_token = has_token();
  if (had_token) summary.ttft = *first_token_ - began_;
  summary.total = now - began_;
  bool silent = false;
  if (!failure_ && !complete()) {
    if (expired_ == Expired::by_request && (had_token || !was_asked_late(request_deadline_))) {
      silent = !had_token;
      end_choices(engine::FinishReason::deadline, now);
    } else if (expired_ != Expired::no) {
      fail_with(timed_out());
    } else if (stop_.stop_requested()) {
      end_choices(engine::FinishReason::cancelled, now);
    } else if (error) {
      // Headers, an event or a body without end are no sign of load: that is what 429 says.
      const bool oversized = error->code == ErrorCode::resource_exhausted;
      fail_with({oversized ? ErrorCode::corrupt : error->code,
                 fmt::format("backend '{}': {}", config_.name, error->message)});
    } else {
      fail_with({ErrorCode::unavailable,
                 fmt::format("backend '{}' ended its answer too early", config_.name),
                 {},
                 "backend_broke_off"});
    }
  }
  const auto sink = std::exchange(sink_, nullptr);
  if (told != nullptr) {
    const bool failed = failure_ || silent;
    if (failed ? std::exchange(told->failure, true) : complete() && std::exchange(told->answer, true)) {
      sink->on_repeat();
    }
  }
  if (failure_) return sink->on_failure(*failure_);
  sink->on_done(summary);
}

}  // namespace sovereign::gateway
