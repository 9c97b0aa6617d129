#include "gateway/fleet.h"

#include <algorithm>
#include <utility>

namespace sovereign::gateway {
namespace {

constexpr std::chrono::seconds kRest{1};  // of an overloaded backend that does not say for how long
constexpr std::chrono::seconds kLongestRest{60};
constexpr std::chrono::minutes kRouteLacks{5};  // then it is asked again: servers are upgraded

// By the one's names, in the other's state.
Candidate in_place_of(const Candidate& named, Candidate stands) {
  stands.name = named.name;
  stands.model = named.model;
  stands.aliases = named.aliases;
  stands.offers = named.offers;
  stands.tier = named.tier;
  stands.priority = named.priority;
  return stands;
}

}  // namespace

Fleet::Fleet(std::vector<MemberConfig> members, RoutingConfig routing,
             std::optional<RoutingConfig> variant_routing)
    : routing_(std::move(routing)), variant_routing_(std::move(variant_routing)) {
  members_.reserve(members.size());
  for (auto& member : members) members_.emplace_back(std::move(member));
}

std::optional<std::size_t> Fleet::find(const std::string& made_of) const {
  if (made_of.empty()) return std::nullopt;
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const Member& member) { return member.config.made_of == made_of; });
  if (found == members_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - members_.begin());
}

void Fleet::learn_from(const Fleet& before) {
  const std::scoped_lock lock(mutex_, before.mutex_);
  for (Member& member : members_) {
    const auto known = before.find(member.config.made_of);
    if (!known) continue;
    const Member& same = before.members_[*known];
    const ConcurrencyLimit limit = std::move(member.limit);
    member = same;
    member.limit = limit;
    member.breaker = same.breaker.successor();
  }
}

void Fleet::set_present(std::size_t member, bool present, const std::string& model,
                        std::vector<std::string> offers) {
  const std::lock_guard lock(mutex_);
  Member& changed = members_[member];
  changed.config.present = present;
  changed.config.model = model;
  changed.offers = std::move(offers);
  changed.probed = present ? ProbeOutcome::none : ProbeOutcome::loading;
}

bool Fleet::admits(const Member& member, ApiRoute route, Time now) {
  // Those calls go past the gateway, to the engine's own queue.
  if (member.config.embedded && route != ApiRoute::chat) return member.config.present;
  // A model here that loads has its queries wait.
  const bool loads = member.probed == ProbeOutcome::loading && !member.config.embedded;
  return member.config.present && now >= member.rests_until && member.breaker.admits(now) && !loads;
}

// Its breaker does not open by silence, which may be its queue's.
bool Fleet::stalls(const Member& member) {
  return member.config.embedded && member.config.present && member.probed == ProbeOutcome::failed;
}

std::vector<std::size_t> Fleet::stalled() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::size_t> numbers;
  for (std::size_t member = 0; member < members_.size(); ++member) {
    if (stalls(members_[member])) numbers.push_back(member);
  }
  return numbers;
}

Candidate Fleet::candidate(const Member& member, ApiRoute route, Time now) {
  Candidate candidate;
  candidate.name = member.config.name;
  candidate.model = member.config.model;
  candidate.aliases = member.config.aliases;
  candidate.offers = member.offers;
  candidate.tier = member.config.tier;
  candidate.priority = member.config.priority;
  candidate.embedded = member.config.embedded;
  candidate.admits = admits(member, route, now);
  candidate.stalls = stalls(member);
  candidate.lacks_route = now < member.lacks_until[static_cast<std::size_t>(route)];
  candidate.wait = std::max(member.breaker.admits_at(now), member.rests_until) - now;
  candidate.outstanding = member.limit.running() + static_cast<std::uint32_t>(member.limit.queued());
  candidate.full = member.limit.full();
  return candidate;
}

bool Fleet::has_room(std::size_t member, ApiRoute route, Time now) const {
  const std::lock_guard lock(mutex_);
  const Member& asked = members_[member];
  return admits(asked, route, now) && !asked.limit.full();
}

const Fleet::Member* Fleet::stand_in() const {
  return !members_.empty() && members_.back().config.stands_in_for ? &members_.back() : nullptr;
}

std::span<const Fleet::Member> Fleet::regulars() const {
  return std::span(members_).first(members_.size() - (stand_in() == nullptr ? 0 : 1));
}

outcome<std::vector<std::size_t>> Fleet::plan(const RouteQuestion& question, Time now) const {
  const std::lock_guard lock(mutex_);
  std::vector<Candidate> candidates;
  candidates.reserve(members_.size());
  for (const Member& member : regulars()) candidates.push_back(candidate(member, question.api, now));
  const Member* const other = question.variant ? stand_in() : nullptr;
  if (other != nullptr) {
    Candidate& replaced = candidates[*other->config.stands_in_for];
    replaced = in_place_of(replaced, candidate(*other, question.api, now));
  }
  const bool own_routing = question.variant && variant_routing_;
  auto order = plan_route(question, candidates, own_routing ? *variant_routing_ : routing_);
  if (order && other != nullptr) {
    std::replace(order->begin(), order->end(), *other->config.stands_in_for, members_.size() - 1);
  }
  return order;
}

std::optional<std::size_t> Fleet::preferred(const RouteQuestion& question) const {
  const std::lock_guard lock(mutex_);
  std::vector<Candidate> candidates;
  candidates.reserve(members_.size());
  for (const Member& member : regulars()) {
    candidates.push_back(candidate(member, question.api, Time{}));
    candidates.back().admits = true;
    candidates.back().stalls = false;
    candidates.back().lacks_route = false;
    candidates.back().outstanding = 0;
    candidates.back().full = false;
  }
  const auto order = plan_route(question, candidates, routing_);
  return order ? std::optional(order->front()) : std::nullopt;
}

bool Fleet::prefers_replaced(const RouteQuestion& question) const {
  const Member* const other = stand_in();  // members never change their place
  return other != nullptr && preferred(question) == other->config.stands_in_for;
}

std::string Fleet::answers_with(std::size_t member, std::string_view asked) const {
  const std::lock_guard lock(mutex_);
  return std::string(candidate(members_[member], ApiRoute::chat, Time{}).model_for(asked));
}

std::string Fleet::model_for(std::size_t member, const std::string& asked) const {
  const std::lock_guard lock(mutex_);
  const MemberConfig& config = members_[member].config;
  const bool by_name = asked == config.name ||
                       std::find(config.aliases.begin(), config.aliases.end(), asked) != config.aliases.end();
  return config.embedded || by_name || names_nobody(asked) ? std::string() : asked;
}

ConcurrencyLimit::Verdict Fleet::enter(std::size_t member, Ticket ticket) {
  const std::lock_guard lock(mutex_);
  return members_[member].limit.enter(ticket);
}

bool Fleet::withdraw(std::size_t member, Ticket ticket) {
  const std::lock_guard lock(mutex_);
  return members_[member].limit.withdraw(ticket);
}

std::optional<Fleet::Permit> Fleet::admit(std::size_t member, Time now) {
  const std::lock_guard lock(mutex_);
  Member& asked = members_[member];
  // Who waited in the queue was planned before it had no room.
  if (!asked.config.present || now < asked.rests_until) return std::nullopt;
  const auto permit = asked.breaker.admit(now);
  if (!permit) return std::nullopt;
  return Permit{member, *permit};
}

std::optional<std::chrono::seconds> Fleet::rests_for(std::size_t member, Time now) const {
  const std::lock_guard lock(mutex_);
  const Time until = members_[member].rests_until;
  if (now >= until) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(until - now);
}

std::optional<Fleet::Ticket> Fleet::leave(std::size_t member) {
  const std::lock_guard lock(mutex_);
  return members_[member].limit.leave();
}

void Fleet::report(const Permit& permit, CallOutcome outcome, Time now,
                   std::optional<std::chrono::seconds> rest) {
  const std::lock_guard lock(mutex_);
  Member& member = members_[permit.member];
  switch (outcome) {
    case CallOutcome::answered:
      ++member.answered;
      // It answers, whatever the last probe saw.
      member.probed = ProbeOutcome::well;
      member.failed_probes = 0;
      return permit.repeats ? member.breaker.dropped(permit.breaker)
                            : member.breaker.succeeded(permit.breaker, now);
    case CallOutcome::silent:
      // Here requests wait in the engine's own queue, and whether it works is known (stalled_for()).
      if (member.config.embedded) return member.breaker.dropped(permit.breaker);
      [[fallthrough]];
    case CallOutcome::failed:
      ++member.failed;
      return permit.repeats ? member.breaker.dropped(permit.breaker)
                            : member.breaker.failed(permit.breaker, now);
    case CallOutcome::overloaded:
      ++member.overloaded;
      // The embedded engine's queue says so itself, at no cost.
      if (!member.config.embedded) member.rests_until = now + std::min(rest.value_or(kRest), kLongestRest);
      return member.breaker.dropped(permit.breaker);
    case CallOutcome::no_matter: return member.breaker.dropped(permit.breaker);
  }
}

void Fleet::first_token(std::size_t member, Duration after) {
  // The members' number never changes, and a histogram is safe to observe.
  members_[member].first_token_seconds->observe(std::chrono::duration<double>(after).count());
}

void Fleet::passed_over(std::size_t member) {
  const std::lock_guard lock(mutex_);
  ++members_[member].passed_over;
}

void Fleet::route_missing(std::size_t member, ApiRoute route, Time now) {
  const std::lock_guard lock(mutex_);
  members_[member].lacks_until[static_cast<std::size_t>(route)] = now + kRouteLacks;
}

void Fleet::report_probe(std::size_t member, const ProbeReport& report, Time now) {
  const std::lock_guard lock(mutex_);
  Member& probed = members_[member];
  probed.probed = report.outcome;
  probed.detail = report.detail;
  if (report.outcome == ProbeOutcome::well) {
    // A server that does not say now (429) has what it had.
    if (!report.models.empty()) probed.offers = report.models;
    if (!report.model.empty()) probed.config.model = report.model;
  }
  // Looked at often, and its failures come with queries.
  if (probed.config.embedded) return;
  // A dead server is found out by probes, not by queries. A live one proves itself by answering: a probe that
  // succeeds takes back what probes before it have said, and no more.
  if (report.outcome != ProbeOutcome::failed) {
    probed.breaker.forgive(std::exchange(probed.failed_probes, 0));
    return;
  }
  const auto permit = probed.breaker.admit(now);
  if (!permit) return;
  ++probed.failed_probes;
  probed.breaker.failed(*permit, now);
}

std::vector<MemberView> Fleet::view(Time now) const {
  const std::lock_guard lock(mutex_);
  std::vector<MemberView> views;
  for (const Member& member : members_) {
    MemberView view;
    view.name = member.config.name;
    view.model = member.config.model;
    view.aliases = member.config.aliases;
    view.tier = member.config.tier;
    view.embedded = member.config.embedded;
    view.breaker = member.breaker.state(now);
    view.status = member.config.present
                      ? status_of(member.probed, view.breaker, member.breaker.failures_in_a_row(now))
                      : BackendStatus::warming;
    const bool waits = member.config.embedded && member.config.present;
    view.takes_queries = !member.config.stands_in_for && view.status != BackendStatus::offline &&
                         (view.status != BackendStatus::warming || waits);
    view.running = member.limit.running();
    view.queued = member.limit.queued();
    view.answered = member.answered;
    view.failed = member.failed;
    view.overloaded = member.overloaded;
    view.passed_over = member.passed_over;
    view.times_opened = member.breaker.times_opened();
    view.detail = member.detail;
    view.offers = member.offers;
    view.first_token_seconds = member.first_token_seconds;
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace sovereign::gateway
