// One query's course at a remote server: what its sink is told, and when that has taken too long.
//
// Several may share one call. Not thread-safe but for stop(): it lives on the event loop.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gateway/backend.h"
#include "gateway/remote_config.h"

namespace sovereign::gateway {

// Of an answer, by all its choices: whoever asked keeps it until its end, and a server may ignore max_tokens.
inline constexpr std::size_t kMaxAnswerBytes = 64 * 1024 * 1024;

// What those who share a call were told of it: each kind of end is new to a breaker once.
struct ToldEnds {
  bool answer = false;
  bool failure = false;
};

class AnswerCourse {
 public:
  // `config` outlives it. The query waits until set_off().
  AnswerCourse(const RemoteConfig& config, const GenerateRequest& request, std::shared_ptr<GenerateSink> sink,
               Time now);

  // The client wants no more. Any thread.
  void stop() { stop_.request_stop(); }
  std::stop_token stop_token() const { return stop_.get_token(); }

  // The server is asked now: its time begins.
  void set_off(Time now);
  // When this query has taken too long, as things stand. Time::max(): never, or it has.
  Time deadline() const { return expired_ == Expired::no ? deadline_ : Time::max(); }
  // That time has come. Before set_off() the server is not to blame.
  void expire(Time now);
  // Its limits in all have passed, or that for its first token, whatever comes.
  bool overdue(Time now) const {
    return now >= total_deadline_ || now >= request_deadline_ || (!first_token_ && now >= deadline_);
  }

  void set_answerer(BackendIdentity answerer) { answerer_ = std::move(answerer); }
  // `syntax` counts the first time. False: the answer has grown beyond kMaxAnswerBytes, and has failed.
  bool tell(std::vector<engine::GenerationDelta> deltas, const std::shared_ptr<const AnswerSyntax>& syntax,
            Time now);
  // The first one is why there is no answer.
  void fail_with(Failure failure);
  // Tells the sink the end, once: a failure, `error` for one, or an answer, as far as it came.
  void finish(const engine::GenerationSummary& tokens, const std::optional<Error>& error, Time now,
              ToldEnds* told = nullptr);

  bool has_token() const { return first_token_.has_value(); }
  // All choices have finished.
  bool complete() const { return unfinished_ == 0; }
  // They have, as somebody knows who reads what is told here as it came.
  void complete_all() { unfinished_ = 0; }
  // The sink was told the end.
  bool ended() const { return sink_ == nullptr; }
  // The client named one of the server's models.
  bool named_model() const { return named_model_; }

 private:
  enum class Expired { no, first_token, next_token, in_all, by_request };

  void begin(const std::shared_ptr<const AnswerSyntax>& syntax, Time now);
  void end_choices(engine::FinishReason reason, Time now);
  // `since`: when it was asked, or when the latest piece of its answer came.
  void set_deadline(Time since);
  bool was_asked_late(Time limit) const;
  Failure timed_out() const;

  const RemoteConfig& config_;
  const Time request_deadline_;
  const Time first_token_by_;
  const bool named_model_;
  const bool sent_whole_;  // nothing of the answer is seen before all of it is there
  const bool passed_on_;   // piece by piece: nobody keeps it
  const Time began_;
  std::shared_ptr<GenerateSink> sink_;  // null once told the end
  std::vector<bool> finished_;          // by choice
  std::size_t unfinished_;
  std::size_t told_bytes_ = 0;
  std::optional<BackendIdentity> answerer_;
  std::stop_source stop_;
  std::optional<Time> set_off_;
  std::optional<Time> first_token_;
  Time total_deadline_ = Time::max();
  Time deadline_{};
  Expired expired_ = Expired::no;
  Time expired_at_{};
  std::optional<Failure> failure_;
};

}  // namespace sovereign::gateway
