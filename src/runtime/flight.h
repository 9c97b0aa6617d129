// Identical queries at once: the client of the first one's run is the flight, and every client waits on it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "cache/single_flight.h"
#include "runtime/query_client.h"
#include "runtime/query_run.h"

namespace sovereign::runtime {

// What a run tells its clients before it ends.
struct FlightPiece {
  Beginning beginning;  // when there is no delta
  std::optional<engine::GenerationDelta> delta;
};
// Exactly one is set.
struct FlightOutcome {
  std::shared_ptr<const SovereignResult> result;
  std::shared_ptr<const gateway::Failure> failure;
};
using Flights = cache::SingleFlight<std::shared_ptr<const FlightPiece>, FlightOutcome>;

class FlightFollower;

// The client of a run that works for all who wait. When the last of them leaves, the run is cancelled.
class FlightLeader final : public QueryClient {
 public:
  // `own`: the place of the client that asked the run.
  FlightLeader(Flights::Producer producer, const QueryRunPtr& run, std::shared_ptr<FlightFollower> own);

  // Ends the flight: the run's result, as it is now, goes to all others who wait. Then `go_on`, once the
  // run's own client has been told what came before; the run works for that one alone from there on. Never,
  // when that client has left, or the flight has ended in a failure before.
  void land(const QueryRunPtr& run, std::function<void()> go_on);

  void on_accepted(std::function<void()>) noexcept override {}
  void on_begin(const Beginning& beginning) noexcept override;
  void on_delta(engine::GenerationDelta delta) noexcept override;
  void on_result(std::shared_ptr<const SovereignResult> result) noexcept override;
  void on_failure(const gateway::Failure& failure) noexcept override;

 private:
  void append(FlightPiece piece);
  void finish(FlightOutcome outcome);

  std::optional<Flights::Producer> producer_;  // none: finished
  const std::weak_ptr<QueryRun> run_;
  const std::shared_ptr<FlightFollower> own_;
};

// One client's place in a flight: what comes of the flight goes to the client.
class FlightFollower : public std::enable_shared_from_this<FlightFollower> {
 public:
  explicit FlightFollower(std::shared_ptr<QueryClient> client) : client_(std::move(client)) {}

  // Joins. With a producer the caller must do the work. Errors: as SingleFlight::join().
  result<std::optional<Flights::Producer>> join(Flights& flights, const cache::QueryKey& key);
  // After join(): from now on the client is told. With `own`, the client's run goes on with the flight's
  // result; without (the run is the flight's own), the result is the client's as it is.
  void begin(QueryRunPtr own);
  // Of the client whose run leads: a result of the flight is not told but followed by this, unless it has
  // left.
  void continue_with(std::function<void(std::shared_ptr<QueryClient>)> go_on);
  // The client is gone. Thread-safe.
  void leave();

 private:
  void deliver();
  void tell(const FlightPiece& piece);
  static bool may_ask_again(const gateway::Failure& failure, const QueryRunPtr& own, bool told);
  void tell(const FlightOutcome& outcome, const QueryRunPtr& own);

  const std::shared_ptr<QueryClient> client_;
  std::mutex mutex_;
  bool begun_ = false;                     // guarded by mutex_
  bool told_ = false;                      // guarded by mutex_; pieces went to the client
  QueryRunPtr own_;                        // guarded by mutex_; none: this client's run leads, or is over
  std::optional<Flights::Waiter> waiter_;  // guarded by mutex_; none: left, or told all
  std::function<void(std::shared_ptr<QueryClient>)> go_on_;  // guarded by mutex_
};

}  // namespace sovereign::runtime
