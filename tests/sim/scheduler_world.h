// A scheduler among random arrivals, cancels, deadlines and decode failures, with a fake cache and a fake
// model, checked at every step. One seed gives one run.
//
// The fake model's next token is a hash of all tokens in the slot, so a sequence that was preempted,
// resumed, began in the middle of another's prefix or was drafted for must still produce what it would have
// alone. Drafts are the true tokens, each of them spoilt with a chance of the world's own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/scheduler.h"
#include "sim/fake_kv_cache.h"

namespace sovereign::engine::sim {

struct WorldReport {
  std::uint64_t steps = 0;
  std::uint64_t finished = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t expired = 0;
  std::uint64_t failed = 0;
  std::uint64_t preemptions = 0;
  std::uint64_t shared_tokens = 0;
  std::uint64_t computed_tokens = 0;
  std::uint64_t drafted_tokens = 0;
  std::uint64_t accepted_tokens = 0;
  std::optional<std::string> violation;  // the first one; empty: the run was right
};

class SchedulerWorld {
 public:
  // `busy`: clients go on arriving faster than they can be served, for much longer than any of them takes.
  explicit SchedulerWorld(std::uint64_t seed, bool busy = false);
  WorldReport run();

 private:
  struct Client {
    std::vector<Token> prompt;
    std::vector<Token> output;
    std::uint32_t wanted_tokens = 0;
    std::optional<Time> deadline;
    int runs = 0;  // 1: admitted, and not preempted since
    // Step by which it must have ended: what is ahead of it at its arrival, one token a step, twice over.
    std::uint64_t last_step = 0;
    std::uint64_t work() const { return prompt.size() + wanted_tokens; }
  };

  static SchedulerConfig random_config(std::mt19937_64& random);
  std::uint32_t below(std::uint32_t limit) {
    return limit == 0 ? 0 : static_cast<std::uint32_t>(random_() % limit);
  }

  void arrive();
  void cancel_someone();
  void offer_drafts();
  void step();
  void sample(const Plan& plan);
  void check_order(const Plan& plan);
  void check_waits();
  void check_rows(const Plan& plan);
  void check_accounts();
  void violate(const std::string& what);
  Token next_token(const std::vector<Token>& context) const;

  std::mt19937_64 random_;
  SchedulerConfig config_;
  Scheduler scheduler_;
  FakeKvCache cache_;
  ManualClock clock_;
  std::map<SequenceId, Client> clients_;  // by id, which is the order of arrival
  SequenceId next_id_ = 1;
  std::vector<std::vector<Token>> system_prompts_;
  std::uint32_t wrong_drafts_percent_;
  std::uint64_t arrival_steps_;
  WorldReport report_;
};

}  // namespace sovereign::engine::sim
