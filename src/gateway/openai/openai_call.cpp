#include "gateway/openai/openai_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/openai/chat_answer.h"
#include "gateway/openai/relay_answer.h"
#include "gateway/openai/structured_text.h"

namespace sovereign::gateway {
namespace {

constexpr std::chrono::seconds kLongestRetryAfter{3600};
constexpr std::chrono::seconds kLastBytesLimit{1};  // for the end of the body, after [DONE]

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text) {
  std::int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds);
  if (text.empty() || error != std::errc() || rest != end || seconds < 0) return std::nullopt;  // or a date
  return std::min(std::chrono::seconds(seconds), kLongestRetryAfter);
}

std::unique_ptr<AnswerReader> reader_for(const GenerateRequest& request) {
  if (request.relay) return std::make_unique<RelayAnswer>(request.relay->route, request.relay->stream);
  return std::make_unique<ChatAnswer>(request.n, !request.input.tools_json.empty());
}

}  // namespace

Failure failure_of_status(std::string_view backend, unsigned status, std::string_view body,
                          std::string_view retry_after) {
  const auto says = [&](std::string_view what) {
    const auto words = error_message(body);
    return fmt::format("backend '{}' {}{}{}", backend, what, words.empty() ? "" : ": ", words);
  };
  switch (status) {
    case 400:
    case 413:
    case 422: return {ErrorCode::invalid_argument, error_message(body), {}, error_code(body)};
    case 401:
    case 403: return {ErrorCode::unavailable, says("refuses our API key"), {}, "backend_auth"};
    case 404:
      return {ErrorCode::unavailable, says("does not have what it is asked for"), {}, "backend_not_found"};
    case 429: {
      Failure failure(ErrorCode::resource_exhausted, says("has too many requests"), {}, "backend_overloaded");
      failure.retry_after = parse_retry_after(retry_after);
      return failure;
    }
    default: break;
  }
  Failure failure(ErrorCode::unavailable, says(fmt::format("answered with status {}", status)), {},
                  "backend_error");
  failure.retry_after = parse_retry_after(retry_after);
  return failure;
}

OpenAiCall::OpenAiCall(const RemoteConfig& config, const GenerateRequest& request,
                       std::shared_ptr<GenerateSink> sink, Time now)
    : config_(config),
      route_(request.relay ? request.relay->route : ApiRoute::chat),
      streams_(!request.relay || request.relay->stream),
      request_deadline_(request.deadline),
      first_token_by_(request.first_token_by.value_or(Time::max())),
      named_model_(!request.model.empty()),
      choices_(request.n),
      total_deadline_(config.total_timeout.count() == 0 ? Time::max() : now + config.total_timeout),
      sink_(std::move(sink)),
      answer_(reader_for(request)),
      began_(now) {
  set_deadline(now);
}

void OpenAiCall::set_deadline(Time now) {
  auto limit = first_token_ ? config_.token_timeout : config_.first_token_timeout;
  // Of a text that is sent whole nothing is seen before all of it is there.
  if (!streams_ && route_ == ApiRoute::completions) limit = config_.total_timeout;
  deadline_ = limit.count() == 0 ? Time::max() : now + limit;
  deadline_ = std::min(deadline_, total_deadline_);
  if (!first_token_) deadline_ = std::min(deadline_, first_token_by_);
  if (request_deadline_) deadline_ = std::min(deadline_, *request_deadline_);
}

void OpenAiCall::expire(Time now) {
  if (expired_ != Expired::no) return;
  expired_at_ = now;
  expired_ = request_deadline_ && now >= *request_deadline_ ? Expired::by_request
             : now >= total_deadline_                       ? Expired::in_all
             : first_token_                                 ? Expired::next_token
                                                            : Expired::first_token;
  stop_.request_stop();
}

void OpenAiCall::fail_with(Failure failure) {
  if (!failure_) failure_ = std::move(failure);
}

void OpenAiCall::begin(std::shared_ptr<const AnswerSyntax> syntax, Time now) {
  if (first_token_) return;
  first_token_ = now;
  if (answerer_) sink_->on_redirect(*answerer_);
  sink_->on_begin(std::move(syntax));
}

void OpenAiCall::tell(std::vector<engine::GenerationDelta> deltas, Time now) {
  for (auto& delta : deltas) {
    begin(answer_->structured() ? structured_text() : nullptr, now);
    sink_->on_delta(std::move(delta));
  }
  set_deadline(now);
}

bool OpenAiCall::take_event(std::string_view data, Time now) {
  // A server that never pauses never lets a timer have its turn.
  if (now >= total_deadline_ || (request_deadline_ && now >= *request_deadline_)) {
    expire(now);
    return false;
  }
  auto deltas = answer_->read_event(data);
  if (!deltas) {
    auto failure = deltas.error();
    failure.message = fmt::format("backend '{}': {}", config_.name, failure.message);
    fail_with(std::move(failure));
    return false;
  }
  tell(std::move(*deltas), now);
  if (answer_->done()) {
    // The client need not wait for the connection's end, nor the connection for ever.
    finish(std::nullopt, now);
    deadline_ = now + kLastBytesLimit;
  }
  return true;
}

void OpenAiCall::take_answer(unsigned status, std::string_view body, std::string_view retry_after, Time now) {
  if (route_ != ApiRoute::chat && lacks_route(status, body)) {
    return fail_with({ErrorCode::unsupported,
                      fmt::format("backend '{}' has no /v1{}", config_.name, path_of(route_)),
                      {},
                      std::string(kRouteMissing)});
  }
  if (status == 404 && named_model_) {
    // The server lists it, and cannot serve it. It may well serve others.
    return fail_with({ErrorCode::not_found, failure_of_status(config_.name, status, body, {}).message,
                      "model", "model_not_found"});
  }
  if (status / 100 != 2) return fail_with(failure_of_status(config_.name, status, body, retry_after));
  auto deltas = answer_->read_whole(body);
  if (!deltas) {
    auto failure = deltas.error();
    failure.message = fmt::format("backend '{}': {}", config_.name, failure.message);
    return fail_with(std::move(failure));
  }
  tell(std::move(*deltas), now);
}

Failure OpenAiCall::timed_out() const {
  if (expired_ == Expired::in_all) {
    return {ErrorCode::deadline_exceeded,
            fmt::format("backend '{}' took longer than {} ms in all", config_.name,
                        config_.total_timeout.count()),
            {},
            "backend_timeout"};
  }
  const bool first = expired_ == Expired::first_token;
  const auto waited = std::chrono::round<std::chrono::milliseconds>(expired_at_ - began_);
  return {ErrorCode::deadline_exceeded,
          fmt::format("backend '{}' sent no {} for {} ms", config_.name, first ? "token" : "further token",
                      (first ? waited : config_.token_timeout).count()),
          {},
          "backend_timeout"};
}

void OpenAiCall::end_choices(engine::FinishReason reason, Time now) {
  begin(nullptr, now);
  for (std::uint32_t choice = 0; choice < choices_; ++choice) {
    if (answer_->finished(choice)) continue;
    engine::GenerationDelta delta;
    delta.choice = choice;
    delta.finish = reason;
    sink_->on_delta(std::move(delta));
  }
}

void OpenAiCall::finish(const std::optional<Error>& error, Time now) {
  if (!sink_) return;
  auto summary = answer_->summary();
  const bool had_token = first_token_.has_value();
  if (had_token) summary.ttft = *first_token_ - began_;
  summary.total = now - began_;
  if (!failure_ && !answer_->complete()) {
    if (expired_ == Expired::by_request) {
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
  if (failure_) return sink->on_failure(*failure_);
  sink->on_done(summary);
}

}  // namespace sovereign::gateway
