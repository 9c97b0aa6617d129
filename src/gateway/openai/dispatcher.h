// Brings queries to a server: those that can share a call together, the others each with a call of its own,
// and, where batching is on, at most max_concurrency calls at a time.
//
// Without batching a query's call begins at once, on the loop that it is asked from; the gateway itself
// counts those. With it, all but the numbers of queries lives on the server's executor, where the one timer
// runs too. Thread-safe. What waits here or is under way holds it; stop_all() ends that soon.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/batch_gate.h"
#include "gateway/openai/answer_course.h"
#include "gateway/openai/batch_call.h"
#include "gateway/openai/openai_server.h"

namespace sovereign::gateway {

// One query, as it can be asked.
struct RemoteQuery {
  std::shared_ptr<AnswerCourse> course;
  std::string model;                     // as OpenAiServer::Question
  std::shared_ptr<const Relay> relay{};  // null: a chat, of which the following tells
  std::uint32_t choices = 1;
  bool has_tools = false;
  std::string chat;    // the rest of the body of /chat/completions
  std::string shared;  // of /completions; empty: it can share no call
  std::string prompt;  // then its own part
};

class Dispatcher : public std::enable_shared_from_this<Dispatcher> {
 public:
  explicit Dispatcher(std::shared_ptr<OpenAiServer> server);

  // The query's number, for cancel().
  std::uint64_t ask(RemoteQuery query);
  void cancel(std::uint64_t query);
  void stop_all();

  BatchFigures figures() const { return {batches_, prompts_, refused_}; }

 private:
  using Queries = std::vector<std::pair<std::uint64_t, RemoteQuery>>;

  bool gathers() const { return server_->config.batch_size > 1; }
  void enter(std::uint64_t id, RemoteQuery query);
  void notice_stop(std::uint64_t id);
  void carry_out(const BatchGate::Moves& moves);
  void begin_call(const std::vector<std::uint64_t>& tickets);
  void begin_alone(std::uint64_t id, RemoteQuery query);
  void begin_batch(Queries queries);
  void end_call(const std::vector<std::uint64_t>& tickets);
  void end_waiting(std::uint64_t id, Time now);
  void set_timer();

  const std::shared_ptr<OpenAiServer> server_;
  std::atomic<std::uint64_t> batches_{0};
  std::atomic<std::uint64_t> prompts_{0};
  std::atomic<std::uint64_t> refused_{0};

  std::mutex mutex_;
  std::uint64_t last_id_ = 0;                                               // guarded by mutex_
  std::unordered_map<std::uint64_t, std::shared_ptr<AnswerCourse>> known_;  // guarded by mutex_; not ended

  // On the executor, where queries are gathered.
  std::size_t too_long_bytes_ = SIZE_MAX;  // a prompt that was too long for the server, until then
  Time too_long_until_{};
  BatchGate gate_;
  std::unordered_map<std::uint64_t, RemoteQuery> waiting_;
  std::unordered_map<std::uint64_t, std::shared_ptr<BatchCall>> sharing_;  // in a call that is under way
  std::optional<boost::asio::steady_timer> timer_;  // while there is something to wait for
};

}  // namespace sovereign::gateway
