#include "gateway/attempt.h"

#include <fmt/format.h>

#include <algorithm>

#include <utility>

namespace sovereign::gateway {
namespace {

constexpr std::chrono::seconds kRetryWhenFull{1};
constexpr std::chrono::seconds kRetryWhenDown{5};

CallOutcome outcome_of(const Failure& failure) {
  if (failure.blameless) return CallOutcome::no_matter;
  switch (failure.code) {
    case ErrorCode::unavailable:
    case ErrorCode::deadline_exceeded:
    case ErrorCode::corrupt:
    case ErrorCode::internal: return CallOutcome::failed;
    case ErrorCode::resource_exhausted: return CallOutcome::overloaded;
    default: return CallOutcome::no_matter;
  }
}

bool too_long(const Failure& failure) { return failure.reason == kContextLengthExceeded; }

bool lacks_route(const Failure& failure) { return failure.reason == kRouteMissing; }

// When the next backend is to be asked, if this one is silent: who waits longer leaves it no time.
std::optional<Time> hand_over_at(const GenerateRequest& request, Time now, bool has_next) {
  if (!has_next || !request.deadline) return std::nullopt;
  return now + (*request.deadline - now) / 2;
}

// Who found nobody with room looks at half of the rest, again and again, and at the end.
Time look_again_at(Time now, Time deadline) {
  constexpr std::chrono::milliseconds kShort{100};
  return deadline - now <= kShort ? deadline : now + (deadline - now) / 2;
}

Failure waited_too_long() {
  return {ErrorCode::deadline_exceeded, "The request waited longer than the server's request_timeout."};
}

Failure resting(const std::string& backend, std::chrono::seconds rest) {
  Failure failure(ErrorCode::resource_exhausted, fmt::format("backend '{}' has too many requests", backend),
                  {}, "backend_overloaded");
  failure.retry_after = rest;
  return failure;
}

}  // namespace

bool may_pass_on(const Failure& failure) {
  return outcome_of(failure) != CallOutcome::no_matter || failure.code == ErrorCode::unsupported ||
         failure.code == ErrorCode::not_found || failure.blameless || too_long(failure);
}

std::shared_ptr<Attempt> GatewayShared::find(Fleet::Ticket ticket) {
  const std::lock_guard lock(mutex);
  const auto found = attempts.find(ticket);
  return found == attempts.end() ? nullptr : found->second;
}

void GatewayShared::give_place(std::size_t member) {
  const auto next = fleet.leave(member);
  if (!next) return;
  // Not here: asking a backend takes time, and this may be an engine's thread.
  executor([self = shared_from_this(), ticket = *next, member] {
    if (const auto attempt = self->find(ticket)) return attempt->resume();
    self->give_place(member);  // it ended between its turn and now
  });
}

void GatewayShared::watch(Time deadline) {
  {
    const std::lock_guard lock(mutex);
    if (alarm_at && *alarm_at <= deadline) return;  // it looks again then
    alarm_at = deadline;
  }
  alarm(deadline, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self) self->executor([self] { self->end_overdue(); });
  });
}

void GatewayShared::end_overdue() {
  std::vector<std::shared_ptr<Attempt>> under_way;
  {
    const std::lock_guard lock(mutex);
    alarm_at.reset();
    under_way.reserve(attempts.size());
    for (const auto& [ticket, attempt] : attempts) under_way.push_back(attempt);
  }
  const Time now = clock.now();
  std::optional<Time> next;
  for (const auto& attempt : under_way) {
    const auto until = attempt->waits_until();
    if (!until) continue;
    if (*until <= now) {
      attempt->expire();
    } else if (!next || *until < *next) {
      next = until;
    }
  }
  if (next) watch(*next);
}

// Of one call to one backend. What comes before the first token is held back, so that the next backend can
// begin anew; of an answer that is wanted whole, all of it.
class Attempt::Sink final : public GenerateSink {
 public:
  Sink(std::shared_ptr<Attempt> attempt, std::shared_ptr<GenerateSink> outer, Fleet::Permit permit,
       BackendIdentity identity, bool first_choice, bool hold, bool had_time, Time began)
      : attempt_(std::move(attempt)),
        outer_(std::move(outer)),
        permit_(permit),
        identity_(std::move(identity)),
        first_choice_(first_choice),
        hold_(hold),
        had_time_(had_time),
        began_(began) {}

  void on_redirect(const BackendIdentity& by) noexcept override { identity_ = by; }
  void on_begin(std::shared_ptr<const AnswerSyntax> syntax) noexcept override { syntax_ = std::move(syntax); }
  void on_repeat() noexcept override { permit_.repeats = true; }

  void on_delta(engine::GenerationDelta delta) noexcept override {
    const bool irregular = delta.finish && !engine::is_answer(*delta.finish);
    if (irregular && !irregular_) irregular_ = delta.finish;
    const bool is_token = !irregular || !delta.text.empty();
    if (is_token) note_first_token();
    if (!begun_ && (hold_ || !is_token)) {
      held_.push_back(std::move(delta));
      return;
    }
    if (!begun_) begin();
    outer_->on_delta(std::move(delta));
  }

  void on_done(const engine::GenerationSummary& summary) noexcept override {
    const bool failed = summary.error || irregular_ == engine::FinishReason::error;
    if (failed) {
      return on_failure(
          summary.error.value_or(Error{ErrorCode::internal, "The engine could not go on.", {}}));
    }
    const bool silent = irregular_ == engine::FinishReason::deadline && !token_came_ && had_time_;
    note_first_token();
    if (!begun_) begin();
    for (auto& delta : held_) outer_->on_delta(std::move(delta));
    attempt_->conclude(permit_, silent       ? CallOutcome::silent
                                : irregular_ ? CallOutcome::no_matter
                                             : CallOutcome::answered);
    if (const auto sink = attempt_->take_sink()) sink->on_done(summary);
  }

  void on_failure(const Failure& failure) noexcept override {
    attempt_->conclude(permit_, outcome_of(failure), failure.retry_after);
    if (begun_) {
      return attempt_->end_with({ErrorCode::unavailable,
                                 fmt::format("The answer broke off: {}", failure.message),
                                 {},
                                 "backend_broke_off"});
    }
    if (!attempt_->pass_on(failure)) return;
    attempt_->shared_->executor([attempt = attempt_] { attempt->advance(); });
  }

 private:
  void note_first_token() {
    if (std::exchange(token_came_, true)) return;
    const auto now = attempt_->shared_->clock.now();
    attempt_->shared_->fleet.first_token(permit_.member, now - began_);
  }
  void begin() {
    begun_ = true;
    // A server may have changed its model since the route was planned.
    const bool as_planned = first_choice_ && identity_.digest == attempt_->route_->identity().digest;
    if (!as_planned) {
      identity_.tier = attempt_->shared_->fleet.tier(permit_.member);
      outer_->on_redirect(identity_);
    }
    outer_->on_begin(syntax_);
  }

  const std::shared_ptr<Attempt> attempt_;
  const std::shared_ptr<GenerateSink> outer_;
  Fleet::Permit permit_;
  BackendIdentity identity_;
  const bool first_choice_;
  const bool hold_;
  const bool had_time_;  // most of what the request has in all
  const Time began_;
  std::shared_ptr<const AnswerSyntax> syntax_;
  bool token_came_ = false;
  bool begun_ = false;                             // the outer sink knows of this answer
  std::optional<engine::FinishReason> irregular_;  // of the first choice that did not end well
  std::vector<engine::GenerationDelta> held_;
};

Attempt::Attempt(std::shared_ptr<GatewayShared> shared, std::vector<std::size_t> order,
                 GenerateRequest request, std::shared_ptr<GenerateSink> sink,
                 std::shared_ptr<const Backend> route)
    : shared_(std::move(shared)),
      order_(std::move(order)),
      request_(std::move(request)),
      route_(std::move(route)),
      began_(shared_->clock.now()),
      sink_(std::move(sink)) {}

std::uint64_t Attempt::begin() {
  {
    const std::lock_guard lock(shared_->mutex);
    ticket_ = ++shared_->last_ticket;
    shared_->attempts.emplace(ticket_, shared_from_this());
  }
  const auto ticket = ticket_;
  advance();
  return ticket;
}

bool Attempt::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

std::shared_ptr<GenerateSink> Attempt::take_sink() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->attempts.erase(ticket_);
  }
  const std::lock_guard lock(mutex_);
  return std::exchange(sink_, nullptr);
}

void Attempt::end_with(const Failure& failure) {
  if (const auto sink = take_sink()) sink->on_failure(failure);
}

void Attempt::conclude(const Fleet::Permit& permit, CallOutcome outcome,
                       std::optional<std::chrono::seconds> rest) {
  shared_->fleet.report(permit, outcome, shared_->clock.now(), rest);
  shared_->give_place(permit.member);
}

bool Attempt::pass_on(const Failure& failure) {
  if (lacks_route(failure) && request_.relay) {
    shared_->fleet.route_missing(member(), request_.relay->route, shared_->clock.now());
  }
  if (!may_pass_on(failure) || cancelled()) {
    end_with(failure);
    return false;
  }
  shared_->fleet.passed_over(member());
  note(failure);
  ++position_;
  return true;
}

void Attempt::note(const Failure& failure) {
  // A prompt that is too long is the client's to shorten, whatever else went wrong afterwards. That somebody
  // else lacks the route takes nothing from what was wrong with those who have it.
  if (!last_failure_ || (!too_long(*last_failure_) && !lacks_route(failure))) last_failure_ = failure;
}

void Attempt::exhausted() {
  if (!last_failure_ || (found_full_ && lacks_route(*last_failure_))) {
    Failure full(ErrorCode::resource_exhausted,
                 "Every backend that could answer has all the queries it takes.", {}, "queue_full");
    if (!found_full_) full = {ErrorCode::unavailable, "No backend could take this query.", {}, "no_backend"};
    full.retry_after = kRetryWhenFull;
    return end_with(full);
  }
  Failure failure = *last_failure_;
  if (too_long(failure)) return end_with(failure);
  const bool tells_all = failure.code == ErrorCode::resource_exhausted ||
                         failure.code == ErrorCode::deadline_exceeded ||
                         failure.code == ErrorCode::unsupported || failure.code == ErrorCode::not_found;
  if (!tells_all) {
    failure.code = ErrorCode::unavailable;
    failure.reason = "no_backend";
    if (!failure.retry_after) failure.retry_after = kRetryWhenDown;
  }
  if (order_.size() > 1) {
    failure.message =
        fmt::format("None of {} backends could answer; the last one: {}", order_.size(), failure.message);
  }
  end_with(failure);
}

void Attempt::advance() {
  while (true) {
    if (cancelled()) return end_with({ErrorCode::cancelled, "The client left."});
    if (position_ == order_.size()) return exhausted();
    const auto at = member();
    // In a queue as at a silent backend: the next one has its half of the time.
    const auto next_at = hand_over_at(request_, shared_->clock.now(), has_next());
    const auto until = next_at ? next_at : request_.deadline;
    {
      const std::lock_guard lock(mutex_);
      waits_at_ = at;  // its turn may come at once
      waits_until_ = until;
    }
    switch (shared_->fleet.enter(at, ticket_)) {
      case ConcurrencyLimit::Verdict::refused:
        found_full_ = true;
        ++position_;
        continue;
      case ConcurrencyLimit::Verdict::queued:
        // A cancel that came before the queue was entered found nothing to withdraw.
        if (cancelled() && shared_->fleet.withdraw(at, ticket_)) continue;
        if (until) shared_->watch(*until);
        return;
      case ConcurrencyLimit::Verdict::admitted:
        if (start(at)) return;
    }
  }
}

std::optional<Time> Attempt::waits_until() const {
  const std::lock_guard lock(mutex_);
  return waits_at_ ? waits_until_ : std::nullopt;
}

std::optional<std::size_t> Attempt::next_with_room(std::size_t after, Time now) const {
  const ApiRoute route = request_.relay ? request_.relay->route : ApiRoute::chat;
  auto at = static_cast<std::size_t>(std::find(order_.begin(), order_.end(), after) - order_.begin());
  while (++at < order_.size()) {
    if (shared_->fleet.has_room(order_[at], route, now)) return at;
  }
  return std::nullopt;
}

void Attempt::expire() {
  const Time now = shared_->clock.now();
  std::optional<std::size_t> waits_at;
  {
    const std::lock_guard lock(mutex_);
    if (!waits_until_ || *waits_until_ > now) return;  // it waits elsewhere by now
    waits_at = waits_at_;
  }
  if (!waits_at) return;
  const bool is_over = now >= *request_.deadline;
  const auto next = is_over ? std::nullopt : next_with_room(*waits_at, now);
  if (!is_over && !next) {
    // It keeps its place, and looks again later.
    const Time again = look_again_at(now, *request_.deadline);
    {
      const std::lock_guard lock(mutex_);
      if (waits_at_ != waits_at) return;
      waits_until_ = again;
    }
    return shared_->watch(again);
  }
  // Where its turn came meanwhile, who asks the backend sees the time.
  if (!shared_->fleet.withdraw(*waits_at, ticket_)) return;
  if (!next) return end_with(waited_too_long());
  found_full_ = true;
  shared_->fleet.passed_over(*waits_at);
  position_ = *next;
  advance();
}

void Attempt::resume() {
  if (!start(member())) advance();
}

// With a place at that member. True: it is under way, or told its end.
bool Attempt::start(std::size_t at) {
  std::uint64_t serial = 0;
  std::shared_ptr<GenerateSink> outer;
  {
    const std::lock_guard lock(mutex_);
    waits_at_.reset();
    serial = ++serial_;
    outer = sink_;
  }
  const auto now = shared_->clock.now();
  if (cancelled() || outer == nullptr) {
    shared_->give_place(at);
    return false;
  }
  if (request_.deadline && now >= *request_.deadline) {
    shared_->give_place(at);
    end_with(waited_too_long());
    return true;
  }
  const auto gateway = shared_->gateway.lock();
  const auto backend = gateway ? gateway->backend(at) : nullptr;
  const auto permit = backend ? shared_->fleet.admit(at, now) : std::nullopt;
  if (!permit) {
    if (const auto rest = shared_->fleet.rests_for(at, now)) note(resting(shared_->fleet.name(at), *rest));
    shared_->give_place(at);
    ++position_;
    return false;
  }
  const bool had_time = request_.deadline && *request_.deadline - now >= (*request_.deadline - began_) / 2;
  GenerateRequest request = request_;
  request.model = shared_->fleet.model_for(at, request_.model);
  request.named = !names_nobody(request_.model);
  request.first_token_by = hand_over_at(request_, now, has_next());
  const auto sink = std::make_shared<Sink>(shared_from_this(), std::move(outer), *permit,
                                           backend->identity_of(request.model), position_ == 0,
                                           request_.whole && has_next(), had_time, now);
  const auto generation = backend->generate(std::move(request), sink);
  if (!generation) {
    conclude(*permit, outcome_of(generation.error()), generation.error().retry_after);
    return !pass_on(generation.error());
  }
  bool stop = false;
  {
    const std::lock_guard lock(mutex_);
    // It may have failed already, and another thread may be asking the next.
    if (serial == serial_) running_ = {at, *generation};
    stop = cancelled_;
  }
  if (stop) backend->cancel(*generation);
  return true;
}

void Attempt::cancel() {
  std::optional<std::size_t> waits_at;
  std::optional<Running> running;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(cancelled_, true)) return;
    waits_at = waits_at_;
    running = running_;
  }
  if (waits_at && shared_->fleet.withdraw(*waits_at, ticket_)) {
    return end_with({ErrorCode::cancelled, "The client left."});
  }
  if (!running) return;  // who is about to ask sees it
  const auto gateway = shared_->gateway.lock();
  const auto backend = gateway ? gateway->backend(running->member) : nullptr;
  if (backend) backend->cancel(running->generation);
}

}  // namespace sovereign::gateway
