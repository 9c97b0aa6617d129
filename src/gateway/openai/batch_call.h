// One call to a remote server for the prompts of several queries: whose each piece of the answer is.
//
// A query that ends (its answer is whole, its client has left, its time is over) leaves the others alone;
// with the last one the call ends. Not thread-safe: it lives on the event loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "gateway/openai/answer_course.h"
#include "gateway/openai/completion_answer.h"
#include "gateway/openai/remote_call.h"

namespace sovereign::gateway {

class BatchCall final : public RemoteCall {
 public:
  // Those of the prompts, by number, that are to be asked in another way: the server refused the request, be
  // it for one of them, and they have no token yet. `reason`: as Failure's.
  using OnRefused = std::function<void(const std::vector<std::uint32_t>& prompts, std::string_view reason)>;

  // One course per prompt, in their order. The server is asked now.
  BatchCall(const RemoteConfig& config, std::vector<std::shared_ptr<AnswerCourse>> courses,
            OnRefused on_refused, Time now);

  // Lets go of those whose client has left, or whose time is over.
  void drop_ended(Time now);

  std::stop_token stop_token() const override { return stop_.get_token(); }
  Time deadline() const override;
  void expire(Time now) override { drop_ended(now); }
  void set_answerer(const BackendIdentity& answerer) override;
  bool take_event(std::string_view data, Time now) override;
  void take_answer(unsigned status, std::string_view body, std::string_view retry_after, Time now) override;
  void finish(const std::optional<Error>& error, Time now) override;

 private:
  void hand_out(std::vector<CompletionAnswer::Piece> pieces, Time now);
  void refuse(Failure failure);
  void end(std::uint32_t prompt, const std::optional<Error>& error, Time now);

  const RemoteConfig& config_;
  std::vector<std::shared_ptr<AnswerCourse>> courses_;  // by prompt; null: it has ended
  std::size_t live_;                                    // of them
  const OnRefused on_refused_;
  CompletionAnswer answer_;
  ToldEnds told_;
  std::stop_source stop_;
  std::optional<Time> closes_at_;   // nobody waits any more: whatever the connection still does
  std::optional<Failure> failure_;  // of all
  bool refused_ = false;            // the request was at fault, not the server
};

}  // namespace sovereign::gateway
