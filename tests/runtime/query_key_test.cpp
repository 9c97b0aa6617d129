#include "runtime/query_key.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace sovereign::runtime {
namespace {

const gateway::BackendIdentity kIdentity{"model", "fp_1", "sha256:aa", false};

const AnswerPolicy kPolicy{"quality", "reasoning"};

std::string encoding(const SovereignQuery& query, const gateway::BackendIdentity& identity = kIdentity,
                     const AnswerPolicy& policy = kPolicy) {
  cache::KeyEncoder encoder;
  encode_query(query, identity, policy, encoder);
  return encoder.key().encoding();
}

SovereignQuery base() {
  SovereignQuery query;
  query.content = "Why?";
  query.sampling.temperature = 0.5F;
  query.sampling.seed = 1;
  return query;
}

// Everything that changes the answer changes the key; a field that is added to the query and forgotten here
// would serve wrong answers.
TEST(QueryKey, EveryPartOfTheAnswerIsInIt) {
  using Change = std::function<void(SovereignQuery&)>;
  const std::vector<Change> changes = {
      [](SovereignQuery&) {},
      [](SovereignQuery& q) { q.content = "Why"; },
      [](SovereignQuery& q) { q.system = "s"; },
      [](SovereignQuery& q) {
        q.context = {{"t", "x", false}};
      },
      [](SovereignQuery& q) {
        q.context = {{"t", "x", true}};
      },
      [](SovereignQuery& q) {
        q.context = {{"tx", "", false}};
      },
      [](SovereignQuery& q) {
        q.context = {{"", "t", false}, {"", "x", false}};
      },
      [](SovereignQuery& q) { q.max_depth = 1; },
      [](SovereignQuery& q) { q.require_reasoning = true; },
      [](SovereignQuery& q) { q.chat.messages_json = "[]"; },
      [](SovereignQuery& q) { q.chat.tools_json = "[]"; },
      [](SovereignQuery& q) { q.chat.tool_choice = "none"; },
      [](SovereignQuery& q) { q.chat.parallel_tool_calls = true; },
      [](SovereignQuery& q) { q.chat.json_schema = "{}"; },
      [](SovereignQuery& q) { q.chat.grammar = "{}"; },
      [](SovereignQuery& q) { q.n = 2; },
      [](SovereignQuery& q) { q.max_tokens = 2; },
      [](SovereignQuery& q) {
        q.stop = {"a", "b"};
      },
      [](SovereignQuery& q) { q.stop = {"ab"}; },
      [](SovereignQuery& q) { q.ignore_eos = true; },
      [](SovereignQuery& q) { q.sampling.temperature = 0; },
      [](SovereignQuery& q) { q.sampling.temperature = 0.6F; },
      [](SovereignQuery& q) { q.sampling.top_k = 5; },
      [](SovereignQuery& q) { q.sampling.top_p = 0.5F; },
      [](SovereignQuery& q) { q.sampling.min_p = 0.5F; },
      [](SovereignQuery& q) { q.sampling.typical_p = 0.5F; },
      [](SovereignQuery& q) { q.sampling.repeat_penalty = 1.5F; },
      [](SovereignQuery& q) { q.sampling.frequency_penalty = 0.5F; },
      [](SovereignQuery& q) { q.sampling.presence_penalty = 0.5F; },
      [](SovereignQuery& q) { q.sampling.penalty_last_n = 5; },
      [](SovereignQuery& q) {
        q.sampling.logit_bias = {{1, 2.0F}};
      },
      [](SovereignQuery& q) { q.sampling.seed = 2; },
      [](SovereignQuery& q) { q.sampling.seed.reset(); },
      [](SovereignQuery& q) { q.sampling.top_logprobs = 0; },
  };
  std::set<std::string> encodings;
  for (const Change& change : changes) {
    SovereignQuery query = base();
    change(query);
    EXPECT_TRUE(encodings.insert(encoding(query)).second) << "change " << encodings.size();
  }
  for (const auto& identity : {gateway::BackendIdentity{"other", "fp_1", "sha256:aa", false},
                               gateway::BackendIdentity{"model", "fp_2", "sha256:aa", false},
                               gateway::BackendIdentity{"model", "fp_1", "sha256:ab", false},
                               gateway::BackendIdentity{"model", "fp_1", "sha256:aa", true}}) {
    EXPECT_TRUE(encodings.insert(encoding(base(), identity)).second) << identity.model;
  }
}

TEST(QueryKey, WhatDoesNotChangeTheAnswerIsNotInIt) {
  SovereignQuery other = base();
  other.id = "another";
  other.deadline = Time{} + std::chrono::hours(1);
  other.cache.mode = CacheMode::force;
  EXPECT_EQ(encoding(other), encoding(base()));
}

TEST(QueryKey, GreedyIsGreedyHoweverItWasAskedFor) {
  SovereignQuery cold = base();
  cold.sampling.temperature = 0;
  SovereignQuery narrow = base();
  narrow.sampling.top_k = 1;
  narrow.sampling.seed = 77;
  narrow.sampling.top_p = 0.3F;
  EXPECT_EQ(encoding(cold), encoding(narrow));
}

// Two seeds of a greedy query that reasons found each other's answers.
TEST(QueryKey, WhatThoughtsOrASecondTryAreDrawnByIsInIt) {
  SovereignQuery greedy = base();
  greedy.sampling.temperature = 0;
  SovereignQuery thoughtful = greedy;
  thoughtful.max_depth = 1;
  AnswerPolicy enforced = kPolicy;
  enforced.retries = true;
  using Change = std::function<void(SovereignQuery&)>;
  const std::vector<std::pair<std::string, Change>> changes = {
      {"seed", [](SovereignQuery& q) { q.sampling.seed = 2; }},
      {"no seed", [](SovereignQuery& q) { q.sampling.seed.reset(); }},
      {"top_p", [](SovereignQuery& q) { q.sampling.top_p = 0.5F; }},
      {"min_p", [](SovereignQuery& q) { q.sampling.min_p = 0.5F; }},
      {"typical_p", [](SovereignQuery& q) { q.sampling.typical_p = 0.5F; }},
  };
  for (const auto& [what, change] : changes) {
    SCOPED_TRACE(what);
    SovereignQuery other = greedy;
    change(other);
    EXPECT_EQ(encoding(other), encoding(greedy)) << "nothing is drawn";
    EXPECT_NE(encoding(other, kIdentity, enforced), encoding(greedy, kIdentity, enforced));
    other = thoughtful;
    change(other);
    EXPECT_NE(encoding(other), encoding(thoughtful));
  }
  // Thoughts and retries of greedy queries have these of their own.
  SovereignQuery narrow = thoughtful;
  narrow.sampling.temperature = 0.9F;
  narrow.sampling.top_k = 1;
  EXPECT_EQ(encoding(narrow), encoding(thoughtful));
}

TEST(QueryKey, ThePoliciesAreInIt) {
  EXPECT_NE(encoding(base()), encoding(base(), kIdentity, {"another", "reasoning"}));
  EXPECT_EQ(encoding(base()), encoding(base(), kIdentity, {"quality", "another"}))
      << "of a query that does not reason, how it would have is no matter";
  auto reasons = base();
  reasons.max_depth = 1;
  EXPECT_NE(encoding(reasons), encoding(reasons, kIdentity, {"quality", "another"}));
}

}  // namespace
}  // namespace sovereign::runtime
