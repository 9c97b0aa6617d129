// Which models are in memory: loads those that are asked for, and unloads the least recently used ones when
// the memory allowed for models would not hold them all.
//
// Pure: time comes in, and who drives it carries out one step after another. It knows numbers, not models.
// Not thread-safe.
//
//   enter(): a request comes. Its model is loaded: it is a user of it until leave(). Else it waits.
//   next(): what to do now: a model to unload, one to load, whose wait is over.
//
// One model is loaded or unloaded at a time, for whoever has waited longest. A model with users is never
// unloaded. So that users who come again and again cannot keep another model out for ever, a model that holds
// the place of one that has waited for `turn` takes no new users until that one had its turn.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace sovereign::engine {

struct ResidencyConfig {
  std::uint64_t budget_bytes = 0;  // 0: no limit
  Duration turn = std::chrono::seconds(2);
  Duration after_failure = std::chrono::seconds(5);  // a model that could not be loaded is not tried again
};

class Residency {
 public:
  using Model = std::uint64_t;
  using Ticket = std::uint64_t;
  enum class State { cold, loading, loaded, unloading };
  enum class Verdict {
    admitted,
    waits,
    too_large,      // it would not fit even alone
    failed_lately,  // it could not be loaded a moment ago
  };
  struct Step {
    std::vector<Ticket> admitted;  // users from now on
    std::vector<Ticket> expired;   // they waited until their deadline
    std::optional<Model> unload;   // tell unloaded() when it is done
    std::optional<Model> load;     // tell loaded() or failed()
  };

  explicit Residency(ResidencyConfig config) : config_(config) {}
  // From the next decision on. Nobody is thrown out: a smaller budget holds as soon as models are idle.
  void configure(ResidencyConfig config) { config_ = config; }

  // `bytes` with its context. The number is new.
  void add(Model model, std::uint64_t bytes);
  // What is loaded already, for as long as it is there, and never unloaded: it takes of the budget.
  void set_pinned_bytes(std::uint64_t bytes) { pinned_bytes_ = bytes; }
  // Takes no new users; unloaded when it has none, then forgotten. Those who wait are in `orphans`.
  void retire(Model model, std::vector<Ticket>& orphans);

  // A number that waits or uses may not be used twice.
  Verdict enter(Model model, Ticket ticket, Time deadline, Time now);
  // Of who was admitted.
  void leave(Model model, Time now);
  // Stops waiting. False: it did not wait (any more).
  bool withdraw(Ticket ticket);

  Step next(Time now);
  // When next() has something to do though nothing else happens; none: never.
  std::optional<Time> wake_at(Time now) const;

  void loaded(Model model, Time now);
  // Those who waited for it come in `orphans`.
  void failed(Model model, Time now, std::vector<Ticket>& orphans);
  void unloaded(Model model);

  State state(Model model) const;
  // It could not be loaded a moment ago, and would be refused now.
  bool failed_lately(Model model, Time now) const;
  bool has(Model model) const { return models_.contains(model); }
  std::uint32_t users(Model model) const;
  std::size_t waiting() const { return waiting_.size(); }
  std::uint64_t bytes_in_use() const;  // of all that is loaded, or being loaded or unloaded

 private:
  struct Entry {
    std::uint64_t bytes = 0;
    State state = State::cold;
    std::uint32_t users = 0;
    Time last_used{};
    bool yields = false;  // to one that has waited for its turn
    bool retired = false;
    std::optional<Time> failed_at;
  };
  struct Waiting {
    Ticket ticket;
    Model model;
    Time since;
    Time deadline;
  };
  bool fits_alone(const Entry& entry) const;
  std::uint64_t room() const;
  std::vector<Model> by_last_use() const;
  void take_waiting(Model model, std::vector<Ticket>& out);
  void plan(Time now, Step& step);

  ResidencyConfig config_;
  std::uint64_t pinned_bytes_ = 0;
  std::map<Model, Entry> models_;
  std::deque<Waiting> waiting_;  // in order of arrival
};

}  // namespace sovereign::engine
