// The reasoning core in seeded worlds: random settings, and a generator that answers, fails, is cut and
// takes its time as the seed says. SOVEREIGN_SEED replays one world.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>
#include <string>

#include "runtime/reasoning/reasoner.h"

namespace sovereign::runtime {
namespace {

constexpr std::uint32_t kWorlds = 1000;

std::uint32_t below(std::mt19937& random, std::uint32_t bound) {
  return static_cast<std::uint32_t>(random() % bound);
}

ReasoningConfig draw_config(std::mt19937& random) {
  ReasoningConfig config;
  config.max_depth = 1 + below(random, 5);
  config.branches = 1 + below(random, 6);
  config.min_thought_tokens = 1 + below(random, 8);
  config.max_thought_tokens = config.min_thought_tokens + below(random, 40);
  config.max_tokens = config.min_thought_tokens + below(random, 600);
  config.max_time = std::chrono::seconds(below(random, 20));
  config.stop_agreement = 0.3 + 0.1 * below(random, 9);
  config.seed = random();
  config.scoring.agreement_weight = below(random, 3);
  config.scoring.likelihood_weight = below(random, 3);
  return config;
}

// A result depends on the request's seed alone, as a model's does; `order` shuffles their arrival.
class World {
 public:
  World(std::uint32_t seed, std::uint32_t order, ManualClock& clock)
      : seed_(seed), order_(order), clock_(clock), answers_(1 + seed % 5) {}

  std::vector<ThoughtResult> generate(const std::vector<ThoughtRequest>& requests,
                                      std::optional<Time> deadline) {
    batches.push_back(requests);
    deadlines.push_back(deadline);
    started.push_back(clock_.now());
    std::vector<ThoughtResult> results;
    for (const ThoughtRequest& request : requests) {
      std::mt19937 random(request.seed ^ seed_);
      results.push_back(write(request, random));
    }
    std::shuffle(results.begin(), results.end(), order_);
    std::mt19937 pace(seed_ + static_cast<std::uint32_t>(batches.size()));
    clock_.advance(std::chrono::milliseconds(below(pace, 8000)));
    return results;
  }

  std::vector<std::vector<ThoughtRequest>> batches;
  std::vector<std::optional<Time>> deadlines;
  std::vector<Time> started;

 private:
  ThoughtResult write(const ThoughtRequest& request, std::mt19937& random) const {
    ThoughtResult result;
    result.id = request.id;
    if (below(random, 6) == 0) {
      result.error = "failed " + std::to_string(request.id);
      return result;
    }
    result.tokens = 1 + below(random, request.max_tokens);
    for (std::uint32_t i = 0; i < result.tokens; ++i)
      result.logprobs.push_back(-static_cast<float>(below(random, 500)) / 100.0F);
    result.text = below(random, 4) == 0
                      ? "No number comes of it, whatever one does with " + std::to_string(random())
                      : "Answer: " + std::to_string(below(random, answers_));
    if (below(random, 20) == 0) result.text = "  ";
    constexpr omega::Ending kEndings[] = {omega::Ending::complete, omega::Ending::complete,
                                          omega::Ending::length, omega::Ending::interrupted};
    result.ending = kEndings[below(random, 4)];
    return result;
  }

  std::uint32_t seed_;
  std::mt19937 order_;
  ManualClock& clock_;
  std::uint32_t answers_;
};

ReasoningOutcome reason(const ReasoningConfig& config, World& world, const ManualClock& clock) {
  Reasoner reasoner("What comes of it?", config);
  for (auto requests = reasoner.next(clock.now()); !requests.empty(); requests = reasoner.next(clock.now())) {
    for (auto& thought : world.generate(requests, reasoner.deadline())) {
      EXPECT_FALSE(reasoner.level_complete());
      reasoner.on_result(std::move(thought));
    }
    EXPECT_TRUE(reasoner.level_complete());
  }
  return reasoner.outcome();
}

void check_requests(const World& world, const ReasoningConfig& config) {
  std::set<std::uint32_t> seeds;
  ThoughtId next_id = 1;
  ASSERT_LE(world.batches.size(), config.max_depth);
  for (std::size_t level = 0; level < world.batches.size(); ++level) {
    const auto& batch = world.batches[level];
    ASSERT_GE(batch.size(), 1u);
    ASSERT_LE(batch.size(), config.branches);
    if (config.max_time > Duration::zero()) {
      ASSERT_EQ(world.deadlines[level], world.started.front() + config.max_time);
      ASSERT_LT(world.started[level], *world.deadlines[level]);
    } else {
      ASSERT_EQ(world.deadlines[level], std::nullopt);
    }
    for (const ThoughtRequest& request : batch) {
      ASSERT_EQ(request.id, next_id++);
      ASSERT_TRUE(seeds.insert(request.seed).second);
      ASSERT_GE(request.max_tokens, config.min_thought_tokens);
      ASSERT_LE(request.max_tokens, config.max_thought_tokens);
      ASSERT_EQ(request.turns.front(), world.batches.front().front().turns.front());
      ASSERT_EQ(request.turns.back().role, "user");
      ASSERT_EQ(request.turns.size(), level == 0 ? 1u : 3u);
    }
  }
}

void check_outcome(const ReasoningOutcome& outcome, const ReasoningConfig& config) {
  ASSERT_LE(outcome.tokens, config.max_tokens);
  std::uint32_t tokens = 0;
  for (const Thought& thought : outcome.graph.thoughts()) {
    if (thought.kind == ThoughtKind::question) continue;
    tokens += thought.tokens;
    ASSERT_NE(thought.status, ThoughtStatus::pending);
    ASSERT_FALSE(thought.parents.empty());
    for (const ThoughtId parent : thought.parents) {
      ASSERT_LT(parent, thought.id);
      ASSERT_LT(outcome.graph.at(parent).depth, thought.depth);
      ASSERT_NE(outcome.graph.at(parent).status, ThoughtStatus::failed);
    }
    ASSERT_EQ(thought.parents.size(), thought.kind == ThoughtKind::merge ? 2u : 1u);
    ASSERT_GE(thought.scores.vote, 0.0);
    ASSERT_LE(thought.scores.vote, 1.0);
    if (thought.scores.total) {
      ASSERT_EQ(thought.scores.total, thought.scores.vote);
    }
    if (thought.status == ThoughtStatus::failed) {
      ASSERT_EQ(thought.scores.vote, 0.0);
      ASSERT_FALSE(thought.scores.total);
    }
  }
  ASSERT_EQ(tokens, outcome.tokens);
  ASSERT_FALSE(outcome.best_path.empty());
  ASSERT_EQ(outcome.best_path.front(), 0u);
  for (std::size_t i = 1; i < outcome.best_path.size(); ++i)
    ASSERT_EQ(outcome.graph.at(outcome.best_path[i]).parents.front(), outcome.best_path[i - 1]);
  const Thought& best = outcome.graph.at(outcome.best_path.back());
  ASSERT_EQ(best.text, outcome.answer);
  // The winner is the best of its own cluster, counted apart from the code that chose it.
  for (const Thought& thought : outcome.graph.thoughts()) {
    if (thought.id == 0 || thought.status == ThoughtStatus::failed || thought.cluster != best.cluster)
      continue;
    ASSERT_LE(thought.scores.vote, best.scores.vote);
  }
}

bool equal(const ReasoningOutcome& a, const ReasoningOutcome& b) {
  if (a.answer != b.answer || a.best_path != b.best_path || a.stop != b.stop || a.tokens != b.tokens ||
      a.graph.size() != b.graph.size())
    return false;
  for (ThoughtId id = 0; id < a.graph.size(); ++id) {
    const Thought& one = a.graph.at(id);
    const Thought& other = b.graph.at(id);
    if (one.text != other.text || one.parents != other.parents || one.scores.total != other.scores.total ||
        one.cluster != other.cluster || one.error != other.error)
      return false;
  }
  return true;
}

TEST(ReasonerSim, HoldsItsBoundsAndDoesNotDependOnTheOrderOfResults) {
  const char* replay = std::getenv("SOVEREIGN_SEED");
  const std::uint32_t first = replay != nullptr ? static_cast<std::uint32_t>(std::stoul(replay)) : 1;
  std::set<StopReason> stops;
  for (std::uint32_t seed = first; seed < first + (replay != nullptr ? 1 : kWorlds); ++seed) {
    SCOPED_TRACE("SOVEREIGN_SEED=" + std::to_string(seed));
    std::mt19937 random(seed);
    const ReasoningConfig config = draw_config(random);
    ASSERT_TRUE(validate(config));
    ManualClock clock;
    World world(seed, 1, clock);
    const ReasoningOutcome outcome = reason(config, world, clock);
    ASSERT_NO_FATAL_FAILURE(check_requests(world, config));
    ManualClock other_clock;
    World other_world(seed, 2, other_clock);
    const ReasoningOutcome again = reason(config, other_world, other_clock);
    ASSERT_TRUE(equal(outcome, again));
    stops.insert(outcome.stop);
    if (outcome.best_path.empty()) {
      ASSERT_EQ(outcome.stop, StopReason::failure);
      continue;
    }
    ASSERT_NO_FATAL_FAILURE(check_outcome(outcome, config));
  }
  if (replay == nullptr) {
    EXPECT_EQ(stops.size(), 5u) << "some reason to stop never came up";
  }
}

}  // namespace
}  // namespace sovereign::runtime
