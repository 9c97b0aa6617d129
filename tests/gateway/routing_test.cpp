#include "gateway/routing.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <set>

namespace sovereign::gateway {
namespace {

using Order = std::vector<std::string>;

struct Fleet {
  std::vector<std::string> aliases = {"gpt-4"};
  std::vector<Candidate> candidates = {
      {.name = "tiny", .model = "smol", .tier = Tier::edge, .embedded = true},
      {.name = "desk", .model = "seven-b", .tier = Tier::local},
      {.name = "rack", .model = "seventy-b", .tier = Tier::pool},
      {.name = "spare", .model = "seventy-b", .tier = Tier::pool, .priority = 1},
  };
  RoutingConfig config;

  outcome<Order> plan(const RouteQuestion& question) const {
    const auto indices = plan_route(question, candidates, config);
    if (!indices) return tl::unexpected<Failure>(indices.error());
    Order names;
    for (const auto index : *indices) names.emplace_back(candidates[index].name);
    return names;
  }
};

TEST(Routing, ComplexityChoosesTheTierAndFallbacksFollow) {
  const Fleet fleet;
  EXPECT_EQ(*fleet.plan({.complexity = 0}), (Order{"tiny", "desk", "rack", "spare"}));
  EXPECT_EQ(*fleet.plan({.complexity = 35}), (Order{"desk", "rack", "spare", "tiny"}));
  EXPECT_EQ(*fleet.plan({.complexity = 70}), (Order{"rack", "spare", "desk", "tiny"}));
}

TEST(Routing, AnExplicitTierWinsOverTheEstimate) {
  const Fleet fleet;
  EXPECT_EQ((*fleet.plan({.tier = Tier::pool, .complexity = 0})).front(), "rack");
  EXPECT_EQ((*fleet.plan({.model = "local", .complexity = 0})).front(), "desk");
  EXPECT_EQ((*fleet.plan({.model = "auto", .complexity = 0})).front(), "tiny");
}

TEST(Routing, WithoutFallbacksATierStandsAlone) {
  Fleet fleet;
  fleet.config.local_fallback = {};
  EXPECT_EQ(*fleet.plan({.tier = Tier::local}), Order{"desk"});
  fleet.candidates[1].admits = false;
  const auto none = fleet.plan({.tier = Tier::local});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::unavailable);
  EXPECT_EQ(none.error().reason, "no_backend");
}

TEST(Routing, ANamedModelIsNeverReplaced) {
  Fleet fleet;
  fleet.candidates[1].aliases = fleet.aliases;
  EXPECT_EQ(*fleet.plan({.model = "desk"}), Order{"desk"});
  EXPECT_EQ(*fleet.plan({.model = "gpt-4"}), Order{"desk"});
  EXPECT_EQ(*fleet.plan({.model = "seventy-b"}), (Order{"rack", "spare"}));
  fleet.candidates[1].admits = false;
  EXPECT_FALSE(fleet.plan({.model = "desk"}));
  const auto unknown = fleet.plan({.model = "gpt-9"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::not_found);
  EXPECT_NE(unknown.error().message.find("desk"), std::string::npos) << unknown.error().message;
}

TEST(Routing, WhatIsNoConversationIsNotGuessedAt) {
  Fleet fleet;
  EXPECT_EQ(*fleet.plan({.complexity = 70, .api = ApiRoute::completions}),
            (Order{"tiny", "desk", "rack", "spare"}));
  EXPECT_EQ(*fleet.plan({.tier = Tier::pool, .api = ApiRoute::completions}),
            (Order{"rack", "spare", "desk", "tiny"}));
}

TEST(Routing, WhoLacksTheRouteIsNotAsked) {
  Fleet fleet;
  fleet.candidates[1].lacks_route = true;
  EXPECT_EQ(*fleet.plan({.tier = Tier::local, .api = ApiRoute::completions}),
            (Order{"rack", "spare", "tiny"}));
  const auto named = fleet.plan({.model = "desk", .api = ApiRoute::completions});
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, ErrorCode::unsupported);
  EXPECT_EQ(named.error().reason, kRouteMissing);
  EXPECT_NE(named.error().message.find("/v1/completions"), std::string::npos) << named.error().message;
  // Who has it and is down may be back.
  for (auto& candidate : fleet.candidates) candidate.lacks_route = true;
  fleet.candidates[2].lacks_route = false;
  fleet.candidates[2].admits = false;
  EXPECT_EQ(fleet.plan({.tier = Tier::pool, .api = ApiRoute::completions}).error().code,
            ErrorCode::unavailable);
}

TEST(Routing, EmbeddingsAreOfOneModelWhoeverIsDown) {
  Fleet fleet;
  const auto embed = [&](std::string_view model, std::optional<Tier> tier = std::nullopt) {
    RouteQuestion question;
    question.model = model;
    question.tier = tier;
    question.api = ApiRoute::embeddings;
    return fleet.plan(question);
  };
  EXPECT_EQ(*embed(""), Order{"tiny"});
  EXPECT_EQ(*embed("", Tier::local), Order{"desk"});
  EXPECT_EQ(*embed("", Tier::pool), (Order{"rack", "spare"}));
  fleet.candidates[2].admits = false;
  EXPECT_EQ(*embed("", Tier::pool), Order{"spare"});
  fleet.candidates[3].admits = false;
  EXPECT_EQ(embed("", Tier::pool).error().code, ErrorCode::unavailable);
  fleet.candidates[1].admits = false;
  EXPECT_EQ(embed("", Tier::local).error().code, ErrorCode::unavailable);
  // By a common alias as well; of a model that is not known yet nobody is a replica.
  for (auto& candidate : fleet.candidates) candidate.aliases = fleet.aliases;
  fleet.candidates[0].embedded = false;
  fleet.candidates[0].model = fleet.candidates[1].model = "";
  EXPECT_EQ(*embed("gpt-4"), Order{"tiny"});
  // A model that both offer is the same one.
  const std::vector<std::string> offers = {"nomic"};
  for (auto& candidate : fleet.candidates) candidate.offers = offers, candidate.admits = true;
  EXPECT_EQ(embed("nomic")->size(), 4U);
  // And one here is nobody's replica, whatever it is called: it is asked when nobody else goes by that.
  fleet.candidates[0].embedded = true;
  EXPECT_EQ(*embed("nomic"), (Order{"desk", "rack", "spare"}));
  for (auto& candidate : fleet.candidates) {
    if (!candidate.embedded) candidate.offers = {};
  }
  EXPECT_EQ(*embed("nomic"), Order{"tiny"});
}

// Only the first model that a server listed could be asked for.
TEST(Routing, WhatAServerHasBesidesIsNamedToo) {
  Fleet fleet;
  const std::vector<std::string> offers = {"seven-b", "coder", "smol", "auto"};
  fleet.candidates[1].offers = offers;
  fleet.candidates[2].offers = offers;
  EXPECT_EQ((Order{"desk", "rack"}), [&] {
    auto order = *fleet.plan({.model = "coder"});
    std::sort(order.begin(), order.end());
    return order;
  }());
  EXPECT_EQ(*fleet.plan({.model = "smol"}), Order{"tiny"}) << "no server takes a configured name";
  EXPECT_EQ((*fleet.plan({.model = "auto"})).front(), "tiny");
  EXPECT_EQ(fleet.plan({.model = "coder", .require_local = true}).error().reason, "require_local");
  EXPECT_EQ(fleet.plan({.model = "writer"}).error().code, ErrorCode::not_found);
}

TEST(Routing, RetryAfterIsOfThoseWhoMayBeAsked) {
  Fleet fleet;
  fleet.candidates[0].admits = false;
  fleet.candidates[0].wait = std::chrono::seconds(3);
  fleet.candidates[1].admits = false;
  fleet.candidates[1].wait = std::chrono::milliseconds(40'100);
  EXPECT_EQ(fleet.plan({.model = "desk"}).error().retry_after, std::chrono::seconds(41));
  EXPECT_EQ(fleet.plan({.require_local = true}).error().retry_after, std::chrono::seconds(3));
  // What no time will change has none.
  fleet.candidates.erase(fleet.candidates.begin());
  const auto never = fleet.plan({.require_local = true});
  EXPECT_EQ(never.error().reason, "no_backend");
  EXPECT_FALSE(never.error().retry_after);
  fleet.config.edge_fallback = {};
  const auto nobody = fleet.plan({.tier = Tier::edge});
  EXPECT_EQ(nobody.error().code, ErrorCode::unsupported);
  EXPECT_FALSE(nobody.error().retry_after);
}

TEST(Routing, RequireLocalMeansEmbeddedOnly) {
  Fleet fleet;
  EXPECT_EQ(*fleet.plan({.require_local = true, .complexity = 100}), Order{"tiny"});
  EXPECT_EQ(*fleet.plan({.tier = Tier::edge, .require_local = true}), Order{"tiny"});
  const auto named = fleet.plan({.model = "rack", .require_local = true});
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, ErrorCode::invalid_argument);
  fleet.candidates[0].admits = false;
  const auto down = fleet.plan({.require_local = true});
  ASSERT_FALSE(down) << "it fails closed";
  EXPECT_EQ(down.error().code, ErrorCode::unavailable);
  fleet.candidates.erase(fleet.candidates.begin());
  EXPECT_EQ(fleet.plan({.require_local = true}).error().code, ErrorCode::unsupported);
}

TEST(Routing, RequireLocalOfTheConfigurationBindsEveryQuery) {
  Fleet fleet;
  fleet.config.require_local = true;
  EXPECT_EQ(*fleet.plan({.complexity = 100}), Order{"tiny"});
}

TEST(Routing, OpenBreakersArePassedOver) {
  Fleet fleet;
  fleet.candidates[0].admits = false;
  EXPECT_EQ(*fleet.plan({.complexity = 0}), (Order{"desk", "rack", "spare"}));
}

struct Replicas {
  std::array<std::string, 4> names = {"a", "b", "c", "d"};
  std::vector<Candidate> candidates;
  RoutingConfig config;

  Replicas() {
    for (const auto& name : names) candidates.push_back({.name = name, .model = "m", .tier = Tier::pool});
  }
  std::size_t first(std::uint64_t prefix) const {
    return plan_route({.tier = Tier::pool, .prefix_hash = prefix}, candidates, config)->front();
  }
};

TEST(Routing, APromptsBeginningStaysWithItsReplica) {
  Replicas replicas;
  std::array<int, 4> counts{};
  for (int i = 0; i < 400; ++i) {
    const auto prefix = hash_prefix("system prompt " + std::to_string(i), 1024);
    const auto chosen = replicas.first(prefix);
    EXPECT_EQ(replicas.first(prefix), chosen);
    ++counts[chosen];
  }
  for (const int count : counts) EXPECT_GT(count, 50) << "the load is spread";
}

TEST(Routing, ALostReplicaMovesOnlyItsOwnPrompts) {
  Replicas replicas;
  for (int i = 0; i < 200; ++i) {
    const auto prefix = hash_prefix(std::to_string(i), 1024);
    replicas.candidates[2].admits = true;
    const auto before = replicas.first(prefix);
    replicas.candidates[2].admits = false;
    const auto after = replicas.first(prefix);
    EXPECT_TRUE(before == 2 || after == before) << i;
  }
}

// However skewed the prompts are, no replica gets more than its bounded share.
TEST(Routing, LoadIsBounded) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& prompts) {
    Replicas replicas;
    for (std::size_t placed = 0; placed < prompts.size(); ++placed) {
      const auto chosen = replicas.first(hash_prefix(std::to_string(prompts[placed] % 3), 1024));
      ++replicas.candidates[chosen].outstanding;
      const double average = static_cast<double>(placed + 1) / 4;
      RC_ASSERT(replicas.candidates[chosen].outstanding <= std::ceil(1.25 * average));
    }
  }));
}

// Two replicas with one place each: the second query of one conversation waited behind the first, beside an
// idle replica.
TEST(Routing, NobodyWaitsBesideAReplicaWithRoom) {
  Replicas replicas;
  for (int i = 0; i < 100; ++i) {
    const auto prefix = hash_prefix(std::to_string(i), 1024);
    const auto favourite = replicas.first(prefix);
    auto& candidate = replicas.candidates[favourite];
    candidate.full = true;
    EXPECT_NE(replicas.first(prefix), favourite);
    for (auto& each : replicas.candidates) {
      each.full = true;
      each.outstanding = 1;
    }
    EXPECT_EQ(replicas.first(prefix), favourite) << "all are alike again";
    for (auto& each : replicas.candidates) {
      each.full = false;
      each.outstanding = 0;
    }
  }
}

TEST(Routing, APlaceCountsMoreThanAShareOfTheLoad) {
  Replicas replicas;
  replicas.candidates.resize(2);
  replicas.candidates[0].outstanding = 2;
  replicas.candidates[0].full = true;
  replicas.candidates[1].outstanding = 5;  // more than its share
  EXPECT_EQ(replicas.first(1), 1U);
}

TEST(Routing, OnlyTheBeginningOfAPromptCounts) {
  const std::string beginning(64, 'x');
  EXPECT_EQ(hash_prefix(beginning + "one", 64), hash_prefix(beginning + "two", 64));
  EXPECT_NE(hash_prefix(beginning + "one", 67), hash_prefix(beginning + "two", 67));
}

}  // namespace
}  // namespace sovereign::gateway
