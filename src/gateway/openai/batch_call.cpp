#include "gateway/openai/batch_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sovereign::gateway {
namespace {

// What is wrong with one prompt, with lists of prompts or with this route: a chat alone may do better.
bool refuses_request(unsigned status) {
  constexpr std::array kStatuses = {400U, 404U, 405U, 413U, 422U, 501U};
  return std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
}

}  // namespace

BatchCall::BatchCall(const RemoteConfig& config, std::vector<std::shared_ptr<AnswerCourse>> courses,
                     OnRefused on_refused, Time now)
    : config_(config),
      courses_(std::move(courses)),
      live_(courses_.size()),
      on_refused_(std::move(on_refused)),
      answer_(static_cast<std::uint32_t>(courses_.size())) {
  for (const auto& course : courses_) course->set_off(now);
}

void BatchCall::end(std::uint32_t prompt, const std::optional<Error>& error, Time now) {
  const auto course = std::exchange(courses_[prompt], nullptr);
  --live_;
  course->finish(answer_.summary(prompt), error, now, &told_);
}

void BatchCall::drop_ended(Time now) {
  for (std::uint32_t prompt = 0; prompt < courses_.size(); ++prompt) {
    const auto& course = courses_[prompt];
    if (course == nullptr) continue;
    if (now >= course->deadline()) course->expire(now);
    if (course->stop_token().stop_requested()) end(prompt, std::nullopt, now);
  }
  if (live_ > 0 || (closes_at_ && now < *closes_at_)) return;
  closes_at_ = Time::max();
  stop_.request_stop();
}

Time BatchCall::deadline() const {
  Time soonest = closes_at_.value_or(Time::max());
  for (const auto& course : courses_) {
    if (course != nullptr) soonest = std::min(soonest, course->deadline());
  }
  return soonest;
}

void BatchCall::set_answerer(const BackendIdentity& answerer) {
  for (const auto& course : courses_) {
    if (course != nullptr) course->set_answerer(answerer);
  }
}

void BatchCall::refuse(Failure failure) {
  refused_ = failure.code == ErrorCode::invalid_argument;
  // It is none of those whose answer had begun.
  if (refused_) failure.code = ErrorCode::unavailable;
  failure.message = fmt::format("backend '{}': {}", config_.name, failure.message);
  failure_ = std::move(failure);
}

void BatchCall::hand_out(std::vector<CompletionAnswer::Piece> pieces, Time now) {
  for (auto& piece : pieces) {
    const auto course = courses_[piece.prompt];
    if (course == nullptr) continue;
    if (piece.failure) {
      piece.failure->message = fmt::format("backend '{}': {}", config_.name, piece.failure->message);
      course->fail_with(std::move(*piece.failure));
      end(piece.prompt, std::nullopt, now);
      continue;
    }
    std::vector<engine::GenerationDelta> deltas;
    deltas.push_back(std::move(piece.delta));
    if (!course->tell(std::move(deltas), nullptr, now)) {
      end(piece.prompt, std::nullopt, now);
      continue;
    }
    // Who is alone waits for the usage, which comes last. Of several only the sum would come.
    if (course->complete() && courses_.size() > 1) end(piece.prompt, std::nullopt, now);
  }
}

bool BatchCall::take_event(std::string_view data, Time now) {
  // A server that never pauses never lets a timer have its turn.
  drop_ended(now);
  if (stop_.stop_requested()) return false;
  auto pieces = answer_.read_event(data);
  if (!pieces) {
    refuse(std::move(pieces.error()));
    return false;
  }
  hand_out(std::move(*pieces), now);
  if (answer_.done()) finish(std::nullopt, now);
  // Nobody need wait for the connection's end, nor the connection for ever.
  if (live_ == 0 && !closes_at_) closes_at_ = now + kLastBytesLimit;
  return true;
}

void BatchCall::take_answer(unsigned status, std::string_view body, std::string_view retry_after, Time now) {
  if (status / 100 != 2) {
    failure_ = failure_of_status(config_.name, status, body, retry_after);
    refused_ = refuses_request(status);
    return;
  }
  auto pieces = answer_.read_whole(body);
  if (!pieces) return refuse(std::move(pieces.error()));
  hand_out(std::move(*pieces), now);
}

void BatchCall::finish(const std::optional<Error>& error, Time now) {
  std::vector<std::uint32_t> refused;
  for (std::uint32_t prompt = 0; prompt < courses_.size(); ++prompt) {
    const auto& course = courses_[prompt];
    if (course == nullptr) continue;
    const bool left = course->stop_token().stop_requested();
    if (refused_ && !left && !course->has_token()) {
      courses_[prompt] = nullptr;
      --live_;
      refused.push_back(prompt);
      continue;
    }
    if (failure_ && !left) course->fail_with(*failure_);
    end(prompt, error, now);
  }
  if (!refused.empty()) on_refused_(refused, failure_->reason);
}

}  // namespace sovereign::gateway
