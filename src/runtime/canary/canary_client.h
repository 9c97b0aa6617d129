// The client of a query that takes part in a canary: watches what becomes of it, for the comparison, and lets
// control answer when the variant fails.
//
// A variant that fails before the client was told anything of its answer is never seen by the client: its
// failure counts, and `ask_control` starts the query as control would have had it, with this object as its
// client again. After that nothing counts any more. A client that left is not asked for; the time until then
// counts, so that a variant that lets its clients wait until they leave does not look fast.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "runtime/canary/trial.h"
#include "runtime/query_client.h"
#include "runtime/query_run.h"

namespace sovereign::runtime {

class CanaryClient final : public QueryClient, public std::enable_shared_from_this<CanaryClient> {
 public:
  // Starts the query over, soon, on a worker; or tells the client why that cannot be.
  using AskControl = std::function<void(std::shared_ptr<QueryClient>)>;

  // The clock outlives it. `counts`: false for a query that says nothing in the comparison. `deadline`: when
  // the server itself gives the query up. `ask_control` is the variant's; control has none.
  CanaryClient(std::shared_ptr<CanaryTrial> trial, gateway::Arm arm, bool counts, const Clock& clock,
               std::optional<Time> deadline, std::shared_ptr<QueryClient> client, AskControl ask_control);

  void on_accepted(std::function<void()> leave) noexcept override;
  void on_begin(const Beginning& beginning) noexcept override;
  void on_delta(engine::GenerationDelta delta) noexcept override;
  void on_result(std::shared_ptr<const SovereignResult> result) noexcept override;
  void on_failure(const gateway::Failure& failure) noexcept override;

 private:
  struct Leaving {
    LeavePoint point;
    std::atomic<bool> left{false};
  };

  void tell_beginning();
  void note_answer(const SovereignResult& result);
  // At any time, on any thread.
  void note_leaving() noexcept;
  // Of all who say what became of the query, the first is heard.
  bool first_word();
  void observe(const gateway::Observation& observation);
  void pass_over();

  const std::shared_ptr<CanaryTrial> trial_;
  const gateway::Arm arm_;
  const Clock& clock_;
  const std::optional<Time> deadline_;
  const std::shared_ptr<QueryClient> client_;
  const std::shared_ptr<Leaving> leaving_ = std::make_shared<Leaving>();
  const std::uint64_t round_;
  const Time began_;
  std::mutex mutex_;
  bool counts_;           // guarded by mutex_, as what is written of the next two
  bool doubted_ = false;  // the variant refused the query as wrong in itself: control will show
  std::optional<Duration> first_token_;
  // Calls come one at a time, so these need no lock.
  AskControl ask_control_;  // empty: nobody takes over (any more)
  bool accepted_ = false;
  bool told_ = false;                          // the client knows something of the answer
  std::optional<Beginning> beginning_;         // not told yet
  std::vector<engine::GenerationDelta> held_;  // likewise: ends of choices without a token
};

// Whether a failure says something about who was to answer, and not only about the query or its client.
bool blames_answerer(const gateway::Failure& failure);

}  // namespace sovereign::runtime
