// One generation at a remote server: what its events mean for the sink, and when it has taken too long. No
// sockets; the one who reads them drives it.
//
// Not thread-safe but for stop(): it lives on the event loop.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "gateway/api_route.h"
#include "gateway/openai/answer_reader.h"
#include "gateway/remote_config.h"

namespace sovereign::gateway {

class OpenAiCall {
 public:
  OpenAiCall(const RemoteConfig& config, const GenerateRequest& request, std::shared_ptr<GenerateSink> sink,
             Time now);

  // The client wants no more. Any thread.
  void stop() { stop_.request_stop(); }
  std::stop_token stop_token() const { return stop_.get_token(); }

  // What is asked, and whether the answer is wanted as events.
  ApiRoute route() const { return route_; }
  bool streams() const { return streams_; }

  // When it has taken too long, as things stand; progress moves it, later or sooner.
  Time deadline() const { return deadline_; }
  // It has: the connection is to be closed.
  void expire(Time now);

  // Who answers, where that was not certain: the sink is told before the answer begins.
  void set_answerer(BackendIdentity answerer) { answerer_ = std::move(answerer); }

  // One event's data; false: read no further.
  bool take_event(std::string_view data, Time now);
  // A body that was no stream, with its status and Retry-After.
  void take_answer(unsigned status, std::string_view body, std::string_view retry_after, Time now);
  // The connection is done with; `error` when it broke. Tells the sink the end, once.
  void finish(const std::optional<Error>& error, Time now);

 private:
  enum class Expired { no, first_token, next_token, in_all, by_request };

  void begin(std::shared_ptr<const AnswerSyntax> syntax, Time now);
  void tell(std::vector<engine::GenerationDelta> deltas, Time now);
  void end_choices(engine::FinishReason reason, Time now);
  void set_deadline(Time now);
  void fail_with(Failure failure);
  Failure timed_out() const;

  const RemoteConfig& config_;
  const ApiRoute route_;
  const bool streams_;
  const std::optional<Time> request_deadline_;
  const Time first_token_by_;
  const bool named_model_;  // the client named one of the server's models
  const std::uint32_t choices_;
  const Time total_deadline_;
  std::shared_ptr<GenerateSink> sink_;  // null once told the end
  const std::unique_ptr<AnswerReader> answer_;
  std::optional<BackendIdentity> answerer_;
  std::stop_source stop_;
  const Time began_;
  std::optional<Time> first_token_;
  Time deadline_{};
  Expired expired_ = Expired::no;
  Time expired_at_{};
  std::optional<Failure> failure_;
};

// What a status other than 2xx means.
Failure failure_of_status(std::string_view backend, unsigned status, std::string_view body,
                          std::string_view retry_after);

}  // namespace sovereign::gateway
