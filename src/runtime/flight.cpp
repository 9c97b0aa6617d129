#include "runtime/flight.h"

#include <utility>

namespace sovereign::runtime {

FlightLeader::FlightLeader(Flights::Producer producer, const QueryRunPtr& run,
                           std::shared_ptr<FlightFollower> own)
    : producer_(std::move(producer)), run_(run), own_(std::move(own)) {
  producer_->on_abandoned([weak = run_] {
    if (const auto alive = weak.lock()) alive->cancel();
  });
}

void FlightLeader::append(FlightPiece piece) {
  if (!producer_) return;
  const auto appended = producer_->append(std::make_shared<const FlightPiece>(std::move(piece)));
  if (appended != Flights::Appended::full) return;
  finish({nullptr, std::make_shared<const gateway::Failure>(
                       ErrorCode::resource_exhausted,
                       "The answer has more pieces than the server keeps for those who wait.")});
  if (const auto alive = run_.lock()) alive->cancel();
}

void FlightLeader::finish(FlightOutcome outcome) {
  if (!producer_) return;
  auto producer = std::move(*producer_);
  producer_.reset();
  producer.finish(std::move(outcome));
}

void FlightLeader::land(const QueryRunPtr& run, std::function<void()> go_on) {
  if (!producer_) return;
  own_->continue_with([run, next = std::move(go_on)](std::shared_ptr<QueryClient> client) {
    run->work_for(std::move(client));
    next();
  });
  finish({std::make_shared<const SovereignResult>(run->result), nullptr});
}

void FlightLeader::on_begin(const Beginning& beginning) noexcept { append({beginning, std::nullopt}); }

void FlightLeader::on_delta(engine::GenerationDelta delta) noexcept { append({{}, std::move(delta)}); }

void FlightLeader::on_result(std::shared_ptr<const SovereignResult> result) noexcept {
  finish({std::move(result), nullptr});
}

void FlightLeader::on_failure(const gateway::Failure& failure) noexcept {
  finish({nullptr, std::make_shared<const gateway::Failure>(failure)});
}

result<std::optional<Flights::Producer>> FlightFollower::join(Flights& flights, const cache::QueryKey& key) {
  // The flight holds this object by its waker until the client has all or left.
  auto joined = flights.join(key, [self = shared_from_this()] { self->deliver(); });
  if (!joined) return fail(joined.error());
  const std::lock_guard lock(mutex_);
  waiter_.emplace(std::move(joined->waiter));
  return std::move(joined->producer);
}

void FlightFollower::begin(QueryRunPtr own) {
  {
    const std::lock_guard lock(mutex_);
    begun_ = true;
    own_ = std::move(own);
  }
  deliver();
}

void FlightFollower::continue_with(std::function<void(std::shared_ptr<QueryClient>)> go_on) {
  const std::lock_guard lock(mutex_);
  if (waiter_) go_on_ = std::move(go_on);
}

void FlightFollower::leave() {
  std::optional<Flights::Waiter> leaving;                     // leaves after the lock: that may cancel a run
  std::function<void(std::shared_ptr<QueryClient>)> dropped;  // holds a run
  const std::lock_guard lock(mutex_);
  leaving = std::exchange(waiter_, std::nullopt);
  dropped = std::exchange(go_on_, nullptr);
}

// The lock keeps what two threads find in the flight in order. The end is told after it: nothing follows, and
// stages may take their time.
void FlightFollower::deliver() {
  std::optional<Flights::Waiter> done;
  std::optional<Flights::Producer> orphan;  // never set while leaders finish, as they all do
  std::optional<FlightOutcome> outcome;
  QueryRunPtr own;
  std::function<void(std::shared_ptr<QueryClient>)> go_on;
  bool told = false;
  {
    const std::lock_guard lock(mutex_);
    if (!begun_ || !waiter_) return;
    auto update = waiter_->poll();
    // Of a whole answer only the end counts, and who was told nothing can begin anew.
    if (!own_ || !own_->query.whole) {
      for (const auto& piece : update.pieces) tell(*piece);
      told_ = told_ || !update.pieces.empty();
    }
    told = told_;
    orphan = std::move(update.producer);
    if (!update.outcome && !orphan) return;
    done = std::exchange(waiter_, std::nullopt);
    own = std::exchange(own_, nullptr);
    go_on = std::exchange(go_on_, nullptr);
    if (update.outcome) outcome = *update.outcome;
  }
  if (outcome && outcome->result && go_on) {
    go_on(client_);
  } else if (outcome && outcome->failure && may_ask_again(*outcome->failure, own, told)) {
    own->post([own] { own->enter_again(); });
  } else if (outcome) {
    tell(*outcome, own);
  } else {
    client_->on_failure({ErrorCode::unavailable, "The query that this one waited for was broken off.", {}});
  }
}

void FlightFollower::tell(const FlightPiece& piece) {
  if (piece.delta) {
    client_->on_delta(*piece.delta);
  } else {
    Beginning beginning = piece.beginning;
    if (own_) beginning.cached.status = CacheNote::Status::shared;
    client_->on_begin(beginning);
  }
}

// The flight's time was its leader's; this client may have more.
bool FlightFollower::may_ask_again(const gateway::Failure& failure, const QueryRunPtr& own, bool told) {
  const bool out_of_time = failure.code == ErrorCode::deadline_exceeded && failure.reason.empty();
  if (!out_of_time || !own || told) return false;
  return !own->query.deadline || own->now() < *own->query.deadline;
}

void FlightFollower::tell(const FlightOutcome& outcome, const QueryRunPtr& own) {
  if (outcome.failure) return client_->on_failure(*outcome.failure);
  if (!own) return client_->on_result(outcome.result);
  own->answer_with(*outcome.result);
}

}  // namespace sovereign::runtime
