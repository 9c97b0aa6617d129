// One query on its way through the pipeline's stages: what they share, and the way itself.
//
// The public members belong to the stage that the run is in. cancel() and post() are thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cache/key_encoder.h"
#include "gateway/backend.h"
#include "runtime/answer_policy.h"
#include "runtime/query.h"
#include "runtime/query_client.h"
#include "runtime/result.h"
#include "runtime/stage.h"

namespace sovereign::runtime {

class FlightLeader;
class Pipeline;

// What a client does by leaving; that changes when its run turns out to be work for others too.
// Thread-safe. The action runs at most once, under this object's lock: it must not come back here.
class LeavePoint {
 public:
  // From now on leaving does this; it is done at once when the client left already. `before` runs first,
  // when what leaving did until now cannot be done any more.
  void set(std::function<void()> action, const std::function<void()>& before = {});
  void leave();

 private:
  std::mutex mutex_;
  bool left_ = false;
  std::function<void()> action_;
};

class QueryRun : public std::enable_shared_from_this<QueryRun> {
 public:
  QueryRun(std::shared_ptr<const Pipeline> pipeline, SovereignQuery asked,
           const std::shared_ptr<gateway::Backend>& answers, std::shared_ptr<QueryClient> asker,
           std::optional<Duration> choosing);
  // Before the first stage.
  void accept();

  const SovereignQuery query;
  // Weak: an engine holds its sinks, and those hold the run; the engine must not end on its own thread. A
  // backend that owns no engine (a route of the gateway, made for this query) is there until the run ends.
  const std::weak_ptr<gateway::Backend> backend;
  const gateway::BackendIdentity identity;
  // What is said about the answer is said about this one: of the backend that was asked, or of another that
  // answered in its place.
  const gateway::BackendIdentity& answerer() const {
    return result.answered_by ? *result.answered_by : identity;
  }
  // From now on the answer is that of the backend that was asked, until another turns out to give it.
  void expect_own_answer();
  std::shared_ptr<QueryClient> client;   // while others wait for the same: the flight
  std::shared_ptr<FlightLeader> flight;  // the same object; null: nobody else can be waiting
  SovereignResult result;
  // Set by the stage `cache`, and only there: encoded and hashed once. Borrows from query and identity.
  cache::KeyEncoder encoder;
  std::optional<cache::QueryKey> key;  // borrows from the encoder
  bool store = false;                  // the answer is to be kept
  std::string messages_json;           // the conversation that reasoning led to; empty: the query's own
  std::vector<std::vector<float>> log_likelihoods;  // per choice, as far as the backend tells
  std::uint32_t retries = 0;                        // answers that the quality gate gave up

  const AnswerPolicy& policy() const;

  // Exactly one of them, once per stage.
  void proceed();  // to the next stage; after the last: the result goes to the client
  void answer();   // the result is there: only stages that take found answers follow
  void refuse(const gateway::Failure& failure);  // there will be no result
  void repeat(std::string_view stage);           // back to an earlier stage, by its name
  void enter_again();  // the same stage from its beginning; the time until now is told as `wait`

  // Instead of any of them, for a run that waits on another one's: as answer(), with what came of that. The
  // time since its stage began is told as `wait`.
  void answer_with(SovereignResult shared);

  // Ends the work for others: from now on the client is this one alone, and its leaving cancels the run.
  void work_for(std::shared_ptr<QueryClient> own);

  // Runs `job` on a worker thread.
  void post(std::function<void()> job) const;
  Time now() const { return clock().now(); }
  const Clock& clock() const;

  // How to stop what a stage has under way; runs at once when the run is cancelled already.
  void on_cancel(std::function<void()> stop);
  void cancel();
  bool cancelled() const;

  // The client's leaving does this instead of cancelling the run, also when it has left already.
  void leave_by(std::function<void()> action);

 private:
  friend class Pipeline;
  void leaving_cancels();
  void enter_stage();
  void end_stage(std::string_view name);
  void end_stage();
  void go_on();

  const std::shared_ptr<const Pipeline> pipeline_;
  const std::shared_ptr<gateway::Backend> held_;  // `backend`, if it owns no engine
  const std::shared_ptr<LeavePoint> leave_point_ = std::make_shared<LeavePoint>();
  std::size_t stage_ = 0;
  bool found_ = false;  // the result was not made by this run
  Time stage_began_;
  mutable std::mutex mutex_;
  bool cancelled_ = false;      // guarded by mutex_
  std::function<void()> stop_;  // guarded by mutex_
};

}  // namespace sovereign::runtime
