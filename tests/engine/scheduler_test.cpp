// The scheduler's promises one at a time; tests/sim holds all of them at once.
#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

namespace sovereign::engine {
namespace {

std::vector<Token> tokens(std::uint32_t count, Token first) {
  std::vector<Token> result(count);
  std::iota(result.begin(), result.end(), first);
  return result;
}

std::map<SequenceId, std::uint32_t> rows_of(const Plan& plan) {
  std::map<SequenceId, std::uint32_t> rows;
  for (const Row& row : plan.rows) ++rows[row.sequence];
  return rows;
}

// Answers every row that wants logits with `token`; those in `finished` end.
void answer(Scheduler& scheduler, const Plan& plan, Token token,
            const std::vector<SequenceId>& finished = {}) {
  std::vector<Sampled> sampled;
  for (const Row& row : plan.rows) {
    if (!row.wants_logits) continue;
    const bool ends = std::find(finished.begin(), finished.end(), row.sequence) != finished.end();
    sampled.push_back({row.sequence, token, ends});
  }
  scheduler.apply(sampled);
}

SchedulerConfig config() {
  SchedulerConfig config;
  config.kv_cells = 400;
  config.max_sequences = 4;
  config.max_cached_prefixes = 2;
  config.step_token_budget = 64;
  config.prefill_chunk_tokens = 8;
  return config;
}

TEST(Scheduler, ARequestJoinsAtTheNextStepAndALongPromptDoesNotStallTheOthers) {
  Scheduler scheduler(config());
  scheduler.add({1, tokens(10, 0), {}});
  Plan plan = scheduler.plan({});
  EXPECT_EQ(rows_of(plan), (std::map<SequenceId, std::uint32_t>{{1, 10}}));
  answer(scheduler, plan, 900);

  scheduler.add({2, tokens(200, 1000), {}});
  for (int step = 0; step < 5; ++step) {
    plan = scheduler.plan({});
    EXPECT_EQ(rows_of(plan), (std::map<SequenceId, std::uint32_t>{{1, 1}, {2, 8}})) << "step " << step;
    EXPECT_EQ(plan.rows.front().sequence, 1U) << "decoding sequences go first";
    answer(scheduler, plan, 900);
  }
}

TEST(Scheduler, AShortPromptPassesMuchLongerOnesInAQuarterOfTheStep) {
  auto large = config();
  large.kv_cells = 2000;
  Scheduler scheduler(large);
  scheduler.add({1, tokens(400, 0), {}});
  scheduler.add({2, tokens(400, 1000), {}});
  answer(scheduler, scheduler.plan({}), 900);
  scheduler.add({3, tokens(20, 2000), {}});
  scheduler.add({4, tokens(300, 3000), {}});
  Plan plan = scheduler.plan({});
  EXPECT_EQ(rows_of(plan), (std::map<SequenceId, std::uint32_t>{{1, 48}, {3, 16}}));
  answer(scheduler, plan, 900);
  plan = scheduler.plan({});
  EXPECT_EQ(rows_of(plan), (std::map<SequenceId, std::uint32_t>{{1, 60}, {3, 4}}))
      << "and no more than it needs";
}

TEST(Scheduler, PromptsOfOneLengthAreReadInTheirOrder) {
  Scheduler scheduler(config());
  for (SequenceId id = 1; id <= 3; ++id) scheduler.add({id, tokens(100, static_cast<Token>(id * 1000)), {}});
  EXPECT_EQ(rows_of(scheduler.plan({})), (std::map<SequenceId, std::uint32_t>{{1, 64}}));
  EXPECT_EQ(rows_of(scheduler.plan({})), (std::map<SequenceId, std::uint32_t>{{1, 36}, {2, 28}}));
}

TEST(Scheduler, AStepOfPromptsAloneCanBeKeptShort) {
  Scheduler scheduler(config());
  scheduler.add({1, tokens(200, 0), {}});
  scheduler.limit_prefill(12);
  EXPECT_EQ(scheduler.plan({}).rows.size(), 12U);
  scheduler.limit_prefill(1000);
  EXPECT_EQ(scheduler.plan({}).rows.size(), 64U) << "the budget holds all the same";
}

TEST(Scheduler, WithNobodyDecodingAPromptGetsTheWholeBudget) {
  Scheduler scheduler(config());
  scheduler.add({1, tokens(200, 0), {}});
  EXPECT_EQ(scheduler.plan({}).rows.size(), 64U);
  EXPECT_EQ(scheduler.plan({}).rows.size(), 64U);
}

TEST(Scheduler, RequestsThatArriveTogetherComputeTheirCommonPrefixOnce) {
  Scheduler scheduler(config());
  const auto system = tokens(100, 0);
  for (SequenceId id = 1; id <= 4; ++id) {
    auto prompt = system;
    prompt.push_back(static_cast<Token>(500 + id));
    prompt.push_back(7);
    scheduler.add({id, prompt, {}});
  }
  std::uint32_t computed = 0;
  std::map<SequenceId, std::uint32_t> shared;
  for (int step = 0; step < 6; ++step) {
    const Plan plan = scheduler.plan({});
    computed += static_cast<std::uint32_t>(plan.rows.size());
    for (const Admission& admission : plan.admitted) shared[admission.sequence] = admission.shared_tokens;
    answer(scheduler, plan, 900, {1, 2, 3, 4});
    if (scheduler.idle()) break;
  }
  EXPECT_TRUE(scheduler.idle());
  EXPECT_EQ(computed, 102U + 3 * 2U);
  EXPECT_EQ(shared, (std::map<SequenceId, std::uint32_t>{{1, 0}, {2, 100}, {3, 100}, {4, 100}}));
}

TEST(Scheduler, SeveralChoicesOfOnePromptShareAllOfItButTheLastToken) {
  Scheduler scheduler(config());
  for (SequenceId id = 1; id <= 3; ++id) scheduler.add({id, tokens(50, 0), {}});
  Plan plan = scheduler.plan({});
  EXPECT_EQ(rows_of(plan), (std::map<SequenceId, std::uint32_t>{{1, 50}}));
  answer(scheduler, plan, 900);
  plan = scheduler.plan({});
  EXPECT_EQ(rows_of(plan), (std::map<SequenceId, std::uint32_t>{{1, 1}, {2, 1}, {3, 1}}));
}

TEST(Scheduler, FollowersGoOnAloneWhenTheirLeaderLeaves) {
  Scheduler scheduler(config());
  scheduler.add({1, tokens(150, 0), {}});
  scheduler.add({2, tokens(150, 0), {}});
  answer(scheduler, scheduler.plan({}), 900);
  EXPECT_EQ(scheduler.running(), 1U);
  scheduler.cancel(1);
  const Plan plan = scheduler.plan({});
  ASSERT_EQ(plan.admitted.size(), 1U);
  EXPECT_EQ(plan.admitted[0].sequence, 2U);
  EXPECT_EQ(plan.admitted[0].shared_tokens, 64U) << "what the leader had computed is not lost";
}

TEST(Scheduler, AFinishedSequencesPrefixIsFoundByTheNextTurnOfItsChat) {
  Scheduler scheduler(config());
  auto chat = tokens(20, 0);
  scheduler.add({1, chat, {}});
  answer(scheduler, scheduler.plan({}), 900);
  answer(scheduler, scheduler.plan({}), 901, {1});
  EXPECT_TRUE(scheduler.idle());

  chat.insert(chat.end(), {900, 901, 50, 51});
  scheduler.add({2, chat, {}});
  const Plan plan = scheduler.plan({});
  EXPECT_EQ(plan.admitted.at(0).shared_tokens, 21U) << "the last sampled token was never decoded";
  EXPECT_EQ(plan.rows.size(), 3U);
  EXPECT_TRUE(plan.kv_ops.empty()) << "the kept prefix itself goes on: nothing to copy";
}

// Of three kept prefixes, the one that nobody has asked for the longest goes.
TEST(Scheduler, TheLeastRecentlyUsedPrefixIsForgottenFirst) {
  SchedulerConfig three = config();
  three.max_cached_prefixes = 3;
  Scheduler scheduler(three);
  SequenceId id = 0;
  // Computes the prompt to its end; how much of it was found.
  const auto ask = [&](Token first) {
    scheduler.add({++id, tokens(40, first), {}});
    std::uint32_t shared = 0;
    while (!scheduler.idle()) {
      const Plan plan = scheduler.plan({});
      for (const Admission& admission : plan.admitted) shared += admission.shared_tokens;
      answer(scheduler, plan, 900, {id});
    }
    return shared;
  };
  EXPECT_EQ(ask(0), 0U);
  EXPECT_EQ(ask(100), 0U);
  EXPECT_EQ(ask(200), 0U);
  EXPECT_EQ(ask(0), 39U) << "used again, so the second is now the oldest";
  EXPECT_EQ(ask(300), 0U) << "takes a place";
  EXPECT_EQ(ask(0), 39U);
  EXPECT_EQ(ask(200), 39U);
  EXPECT_EQ(ask(300), 39U);
  EXPECT_EQ(ask(100), 0U) << "it went";
}

TEST(Scheduler, KeptPrefixesGoBeforeAnyoneIsPreempted) {
  auto small = config();
  small.kv_cells = 60;
  small.step_token_budget = 60;
  Scheduler scheduler(small);
  scheduler.add({1, tokens(30, 0), {}});
  answer(scheduler, scheduler.plan({}), 900, {1});
  EXPECT_EQ(scheduler.ledger().evictable_cells(), 30U);

  scheduler.add({2, tokens(50, 1000), {}});
  const Plan plan = scheduler.plan({});
  EXPECT_EQ(plan.evicted_prefixes, 1U);
  EXPECT_TRUE(plan.preempted.empty());
  EXPECT_EQ(rows_of(plan), (std::map<SequenceId, std::uint32_t>{{2, 50}}));
}

TEST(Scheduler, TheYoungestIsPreemptedAndComesBackWithItsTokens) {
  auto small = config();
  small.kv_cells = 60;
  small.max_cached_prefixes = 0;
  small.step_token_budget = 60;
  Scheduler scheduler(small);
  scheduler.add({1, tokens(20, 0), {}});
  scheduler.add({2, tokens(20, 1000), {}});
  std::vector<SequenceId> preempted;
  Token next = 2000;
  while (preempted.empty()) {
    const Plan plan = scheduler.plan({});
    preempted = plan.preempted;
    answer(scheduler, plan, next++);
  }
  EXPECT_EQ(preempted, std::vector<SequenceId>{2});
  EXPECT_EQ(scheduler.waiting(), 1U);

  scheduler.cancel(1);
  const Plan plan = scheduler.plan({});
  ASSERT_EQ(plan.admitted.size(), 1U);
  EXPECT_TRUE(plan.admitted[0].resumed);
  EXPECT_GT(plan.rows.size(), 21U) << "prompt and generated tokens are computed again";
  EXPECT_EQ(plan.rows.back().position + 1, plan.rows.size());
}

TEST(Scheduler, ADeadlineEndsASequenceWaitingOrRunning) {
  auto one = config();
  one.max_sequences = 1;
  Scheduler scheduler(one);
  const Time start{};
  scheduler.add({1, tokens(10, 0), start + std::chrono::seconds(2)});
  scheduler.add({2, tokens(10, 1000), start + std::chrono::seconds(1)});
  answer(scheduler, scheduler.plan(start), 900);
  Plan plan = scheduler.plan(start + std::chrono::seconds(1));
  EXPECT_EQ(plan.expired, std::vector<SequenceId>{2});
  answer(scheduler, plan, 900);
  plan = scheduler.plan(start + std::chrono::seconds(2));
  EXPECT_EQ(plan.expired, std::vector<SequenceId>{1});
  EXPECT_TRUE(plan.rows.empty());
  EXPECT_TRUE(scheduler.idle());
}

TEST(Scheduler, AFailedStepTakesItsOwnSequencesOnly) {
  auto two = config();
  two.max_sequences = 2;
  Scheduler scheduler(two);
  for (SequenceId id = 1; id <= 3; ++id) scheduler.add({id, tokens(10, static_cast<Token>(id * 1000)), {}});
  const Plan plan = scheduler.plan({});
  EXPECT_EQ(scheduler.fail(plan), (std::vector<SequenceId>{1, 2}));
  EXPECT_EQ(rows_of(scheduler.plan({})), (std::map<SequenceId, std::uint32_t>{{3, 10}}));
  EXPECT_EQ(scheduler.ledger().used_cells(), 10U);
}

TEST(Scheduler, DraftsAreComputedBehindTheirSequenceAndTheWrongOnesLetGo) {
  auto drafting = config();
  drafting.step_draft_tokens = 8;
  Scheduler scheduler(drafting);
  scheduler.add({1, tokens(10, 0), {}});
  scheduler.add({2, tokens(10, 1000), {}});
  EXPECT_TRUE(scheduler.decoding().empty()) << "nobody runs yet";
  answer(scheduler, scheduler.plan({}), 900);
  EXPECT_EQ(scheduler.decoding(), (std::vector<SequenceId>{1, 2}));

  scheduler.offer_draft(1, {901, 902, 903});
  Plan plan = scheduler.plan({});
  EXPECT_EQ(plan.draft_tokens, 3U);
  ASSERT_EQ(plan.rows.size(), 5U);
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(plan.rows[i].sequence, 1U);
    EXPECT_EQ(plan.rows[i].position, 10 + i);
    EXPECT_EQ(plan.rows[i].token, static_cast<Token>(900 + i));
    EXPECT_EQ(plan.rows[i].draft, i > 0);
    EXPECT_TRUE(plan.rows[i].wants_logits);
  }
  // The first draft was right, the second was not.
  const std::vector<Sampled> sampled = {{1, 901, false}, {1, 950, false}, {2, 900, false}};
  scheduler.apply(sampled);
  EXPECT_EQ(scheduler.ledger().used_cells(), 12U + 11U) << "901 stays, 902 and 903 go";
  plan = scheduler.plan({});
  ASSERT_EQ(plan.kv_ops.size(), 1U);
  EXPECT_EQ(plan.kv_ops[0].kind, KvOp::Kind::trim);
  EXPECT_EQ(plan.kv_ops[0].length, 12U);
  EXPECT_EQ(plan.rows[0].token, 950);
  EXPECT_EQ(plan.rows[0].position, 12U);
  EXPECT_EQ(plan.draft_tokens, 0U) << "an offer is good for one step";
}

TEST(Scheduler, DraftsTakeOnlyRowsAndCellsThatNobodyElseWants) {
  auto drafting = config();
  drafting.step_draft_tokens = 8;
  drafting.step_token_budget = 6;
  drafting.kv_cells = 40;
  drafting.max_cached_prefixes = 0;
  Scheduler scheduler(drafting);
  scheduler.add({1, tokens(6, 0), {}});
  answer(scheduler, scheduler.plan({}), 900);
  scheduler.add({2, tokens(20, 1000), {}});
  scheduler.offer_draft(1, {1, 2, 3, 4, 5, 6, 7, 8});
  Plan plan = scheduler.plan({});
  EXPECT_EQ(rows_of(plan), (std::map<SequenceId, std::uint32_t>{{1, 1}, {2, 5}})) << "prefill goes first";
  EXPECT_EQ(plan.draft_tokens, 0U);
  answer(scheduler, plan, 901);

  scheduler.cancel(2);
  scheduler.offer_draft(1, {1, 2, 3, 4, 5, 6, 7, 8});
  plan = scheduler.plan({});
  EXPECT_EQ(plan.draft_tokens, 5U) << "what is left of the step's budget";
}

TEST(Scheduler, ASequenceThatEndsInsideItsDraftKeepsWhatWasRightAsAPrefix) {
  auto drafting = config();
  drafting.step_draft_tokens = 8;
  Scheduler scheduler(drafting);
  scheduler.add({1, tokens(10, 0), {}});
  answer(scheduler, scheduler.plan({}), 900);
  scheduler.offer_draft(1, {901, 902, 903});
  scheduler.plan({});
  const std::vector<Sampled> sampled = {{1, 901, false}, {1, 902, true}};
  scheduler.apply(sampled);
  EXPECT_TRUE(scheduler.idle());
  auto chat = tokens(10, 0);
  chat.insert(chat.end(), {900, 901, 902, 903});
  scheduler.add({2, chat, {}});
  EXPECT_EQ(scheduler.plan({}).admitted.at(0).shared_tokens, 12U)
      << "902 was never a known token in the cache";
}

}  // namespace
}  // namespace sovereign::engine
