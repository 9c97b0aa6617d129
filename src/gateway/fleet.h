// What is known of every backend, and who may use it now: breakers, limits, statuses, counters.
//
// It knows backends by number and holds none of them, so an engine's thread may report here without ever
// becoming the last owner of its engine. Thread-safe; the lock is held for a few hundred nanoseconds per
// call, never per token.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "gateway/backend.h"
#include "gateway/circuit_breaker.h"
#include "gateway/concurrency_limit.h"
#include "gateway/routing.h"

namespace sovereign::gateway {

struct MemberConfig {
  std::string name;
  std::string model;
  std::vector<std::string> aliases;
  Tier tier = Tier::edge;
  std::uint32_t priority = 0;
  bool embedded = false;
  bool present = true;  // false: not there yet (the embedded model loads); it admits nobody
  std::uint32_t max_concurrency = 0;
  std::uint32_t max_queued = 0;
  BreakerConfig breaker{};
  // In a canary's variant it answers in the place of that member; nobody else asks it. The last member only.
  std::optional<std::size_t> stands_in_for{};
  // All of its configuration: where two fleets have equal ones, it is one backend. Empty: it is no other's.
  std::string made_of{};
};

// How a call went, as far as the backend is to blame.
enum class CallOutcome {
  answered,
  failed,
  silent,      // no token until the request's deadline, though it had most of the time there was
  overloaded,  // it is well, and has no room: passed over for a while
  no_matter,   // the client left, or its request was wrong
};

// A backend for people and programs that look at it.
struct MemberView {
  std::string name;
  std::string model;
  std::vector<std::string> aliases;
  Tier tier = Tier::edge;
  bool embedded = false;
  bool takes_queries = true;  // of anybody; they may have to wait while a model here comes into memory
  BackendStatus status = BackendStatus::cold;
  CircuitBreaker::State breaker = CircuitBreaker::State::closed;
  std::uint32_t running = 0;
  std::size_t queued = 0;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  std::uint64_t overloaded = 0;
  std::uint64_t passed_over = 0;  // queries that began here and were answered by another, or by nobody
  std::uint64_t times_opened = 0;
  std::string detail;               // the last probe's, when it failed
  std::vector<std::string> offers;  // models that the last probe saw
  std::shared_ptr<const Histogram> first_token_seconds;
  std::optional<BatchFigures> batches{};  // the backend's own, where it makes any
};

class Fleet {
 public:
  using Ticket = ConcurrencyLimit::Ticket;
  struct Permit {
    std::size_t member = 0;
    CircuitBreaker::Permit breaker{};
    bool repeats = false;  // how its call went was reported already: the breaker does not count it again
  };

  // `variant_routing`: of a canary's variant; none: control's.
  Fleet(std::vector<MemberConfig> members, RoutingConfig routing,
        std::optional<RoutingConfig> variant_routing = {});

  // Takes over what the fleet before knows of backends that are in both: breakers, statuses, counters. What
  // is under way there is not counted here. Before anybody else knows this one.
  void learn_from(const Fleet& before);
  // The member that is made of that; none: nobody is.
  std::optional<std::size_t> find(const std::string& made_of) const;

  // Asking it costs nothing: it is in this process.
  bool embedded(std::size_t member) const { return members_[member].config.embedded; }
  Tier tier(std::size_t member) const { return members_[member].config.tier; }
  // The embedded model is served now (or no longer); how it is the next probe tells.
  void set_present(std::size_t member, bool present, const std::string& model,
                   std::vector<std::string> offers = {});

  // As plan_route(). In a variant's order a stand-in has the place of who it stands in for, so that what
  // comes after a failure is the same for both.
  outcome<std::vector<std::size_t>> plan(const RouteQuestion& question, Time now) const;
  // Who would be asked first, were all well and idle; none: nobody is configured for it.
  std::optional<std::size_t> preferred(const RouteQuestion& question) const;
  // Whether that one has a stand-in.
  bool prefers_replaced(const RouteQuestion& question) const;

  // What that backend is to be asked for, when a client asks for `asked`; empty: what it answers with anyway.
  std::string model_for(std::size_t member, const std::string& asked) const;

  const std::string& name(std::size_t member) const { return members_[member].config.name; }
  // With which model it answers then; empty: not known.
  std::string answers_with(std::size_t member, std::string_view asked) const;

  // A place at a backend, perhaps in its queue.
  ConcurrencyLimit::Verdict enter(std::size_t member, Ticket ticket);
  // False: it did not wait there (any more).
  bool withdraw(std::size_t member, Ticket ticket);
  // For who has a place: lets the call pass, or not; then the place is given up with leave().
  std::optional<Permit> admit(std::size_t member, Time now);
  // How long it still rests, having had no room; nothing: it does not.
  std::optional<std::chrono::seconds> rests_for(std::size_t member, Time now) const;
  // Gives the place up. Gives whose turn it is now.
  std::optional<Ticket> leave(std::size_t member);

  void report(const Permit& permit, CallOutcome outcome, Time now,
              std::optional<std::chrono::seconds> rest = std::nullopt);
  void first_token(std::size_t member, Duration after);
  void passed_over(std::size_t member);
  // Whether a call to it would begin at once.
  bool has_room(std::size_t member, ApiRoute route, Time now) const;
  // It is well, and has no such route: not asked for it for a while.
  void route_missing(std::size_t member, ApiRoute route, Time now);
  void report_probe(std::size_t member, const ProbeReport& report, Time now);

  // Those in this process that the last probe found standing still. They are planned after all others.
  std::vector<std::size_t> stalled() const;

  std::vector<MemberView> view(Time now) const;
  std::size_t size() const { return members_.size(); }
  const RoutingConfig& routing() const { return routing_; }

 private:
  struct Member {
    explicit Member(MemberConfig with)
        : config(std::move(with)),
          breaker(config.breaker),
          limit(config.max_concurrency, config.max_queued),
          first_token_seconds(std::make_shared<Histogram>(Histogram::latency())) {}

    MemberConfig config;
    CircuitBreaker breaker;
    ConcurrencyLimit limit;
    Time rests_until{};                          // overloaded: passed over until then
    std::array<Time, kApiRoutes> lacks_until{};  // a route: not asked for it until then
    ProbeOutcome probed = ProbeOutcome::none;
    std::uint32_t failed_probes = 0;  // in a row
    std::string detail;
    std::vector<std::string> offers;
    std::uint64_t answered = 0;
    std::uint64_t failed = 0;
    std::uint64_t overloaded = 0;
    std::uint64_t passed_over = 0;
    std::shared_ptr<Histogram> first_token_seconds;
  };
  static bool admits(const Member& member, ApiRoute route, Time now);
  static bool stalls(const Member& member);
  static Candidate candidate(const Member& member, ApiRoute route, Time now);
  // Those who may be planned: all but a stand-in.
  std::span<const Member> regulars() const;
  const Member* stand_in() const;

  const RoutingConfig routing_;
  const std::optional<RoutingConfig> variant_routing_;
  mutable std::mutex mutex_;
  std::vector<Member> members_;
};

}  // namespace sovereign::gateway
