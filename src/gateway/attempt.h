// One query's way over the backends of its route, until one of them answers.
//
//   waits for a place -> asks -> (fails before its first token -> the next backend) -> tokens -> end
//
// An answer that is wanted whole goes on to the next backend also when it breaks off later.
//
// Holds no backend: an engine's thread may be the last to let go of an attempt, and must not thereby end its
// engine. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "gateway/gateway.h"

namespace sovereign::gateway {

class Attempt;

// What a gateway and its attempts have in common.
struct GatewayShared : std::enable_shared_from_this<GatewayShared> {
  GatewayShared(std::vector<MemberConfig> members, RoutingConfig routing, const Clock& the_clock,
                GatewayExecutor posts, GatewayAlarm wakes, std::optional<RoutingConfig> variant_routing)
      : fleet(std::move(members), std::move(routing), std::move(variant_routing)),
        clock(the_clock),
        executor(std::move(posts)),
        alarm(std::move(wakes)) {}

  Fleet fleet;
  const Clock& clock;
  const GatewayExecutor executor;
  const GatewayAlarm alarm;
  std::weak_ptr<Gateway> gateway;  // set once, before the first query

  std::mutex mutex;
  std::uint64_t last_ticket = 0;                                         // guarded by mutex
  std::unordered_map<Fleet::Ticket, std::shared_ptr<Attempt>> attempts;  // guarded by mutex; those under way

  std::optional<Time> alarm_at;  // guarded by mutex; the soonest one that is set

  std::shared_ptr<Attempt> find(Fleet::Ticket ticket);
  // An attempt waits in a queue, at most until then.
  void watch(Time deadline);
  // Of those that have waited too long: ends them, or has them go on.
  void end_overdue();
  // A call has left this member: whoever waits there has its turn.
  void give_place(std::size_t member);
};

class Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  // `order` is not empty. `request.model` is what the client asks for. `route` is held until the end.
  Attempt(std::shared_ptr<GatewayShared> shared, std::vector<std::size_t> order, GenerateRequest request,
          std::shared_ptr<GenerateSink> sink, std::shared_ptr<const Backend> route);

  // Registers, and asks the first backend, on this thread: a worker's.
  std::uint64_t begin();
  void cancel();

 private:
  class Sink;

  friend struct GatewayShared;
  void advance();
  void resume();
  // Until when it waits in a queue; nothing: it does not, or has no limit.
  std::optional<Time> waits_until() const;
  // It has waited that long: the turn of another backend that has room, or the end.
  void expire();
  // The position in the order, past that member's, of the first that would take it at once.
  std::optional<std::size_t> next_with_room(std::size_t after, Time now) const;
  bool start(std::size_t member);
  // Of a call that has ended.
  void conclude(const Fleet::Permit& permit, CallOutcome outcome,
                std::optional<std::chrono::seconds> rest = {});
  // True when another backend may be asked after this failure.
  bool pass_on(const Failure& failure);
  // What is told when nobody answers.
  void note(const Failure& failure);
  void exhausted();
  void end_with(const Failure& failure);
  // The sink, once: who gets it tells it the end.
  std::shared_ptr<GenerateSink> take_sink();
  bool cancelled() const;
  std::size_t member() const { return order_[position_]; }
  bool has_next() const { return position_ + 1 < order_.size(); }

  const std::shared_ptr<GatewayShared> shared_;
  const std::vector<std::size_t> order_;
  const GenerateRequest request_;
  const std::shared_ptr<const Backend> route_;
  const Time began_;
  Fleet::Ticket ticket_ = 0;
  std::size_t position_ = 0;             // of who is asked now; one thread at a time moves it
  std::optional<Failure> last_failure_;  // likewise; what is told when nobody answers
  bool found_full_ = false;              // likewise

  mutable std::mutex mutex_;
  std::shared_ptr<GenerateSink> sink_;   // guarded by mutex_; null: the end was told
  bool cancelled_ = false;               // guarded by mutex_
  std::optional<std::size_t> waits_at_;  // guarded by mutex_; the member in whose queue it may be
  std::optional<Time> waits_until_;      // guarded by mutex_; for that member
  struct Running {
    std::size_t member;
    std::uint64_t generation;
  };
  std::optional<Running> running_;  // guarded by mutex_
  std::uint64_t serial_ = 0;        // guarded by mutex_; of the latest call
};

}  // namespace sovereign::gateway
