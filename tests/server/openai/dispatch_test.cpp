#include "server/openai/dispatch.h"

#include <gtest/gtest.h>

namespace sovereign::server::openai {
namespace {

runtime::SovereignQuery question(std::string content) {
  runtime::SovereignQuery query;
  query.id = "differs from request to request";
  query.content = std::move(content);
  return query;
}

TEST(Dispatch, EveryQueryTakesPartInAVariantThatAnswersWhereControlDoes) {
  Canary canary;
  canary.overlay.system = "Be brief.";
  EXPECT_TRUE(takes_part(canary, "", {}));
  EXPECT_TRUE(takes_part(canary, "named", {}));
  EXPECT_TRUE(takes_part(canary, "named", {gateway::Tier::pool, true}));
}

TEST(Dispatch, AVariantsEngineIsMetByNameToo) {
  Canary canary;
  canary.overlay.engine = true;
  EXPECT_TRUE(takes_part(canary, "named", {gateway::Tier::edge, true}));
  canary.overlay.routing = true;
  EXPECT_TRUE(takes_part(canary, "", {}));
  EXPECT_FALSE(takes_part(canary, "named", {}));
}

TEST(Dispatch, WhoHasASayInWhoAnswersIsNotSentElsewhere) {
  Canary canary;
  canary.overlay.model = "other";
  EXPECT_TRUE(takes_part(canary, "", {}));
  EXPECT_TRUE(takes_part(canary, "auto", {}));
  EXPECT_FALSE(takes_part(canary, "named", {}));
  EXPECT_FALSE(takes_part(canary, "", {gateway::Tier::edge, false}));
  const RoutingFields local{{}, true};
  EXPECT_FALSE(takes_part(canary, "", local));
  canary.models = {"named", "also"};
  EXPECT_TRUE(takes_part(canary, "named", {}));
  EXPECT_FALSE(takes_part(canary, "", {}));
  EXPECT_FALSE(takes_part(canary, "named", local));
}

TEST(Dispatch, TheUnitIsTheQueryOrItsClient) {
  Canary canary;
  auto again = question("a");
  again.id = "another request";
  EXPECT_EQ(canary_unit(canary, question("a"), "xx"), canary_unit(canary, again, "yy"));
  EXPECT_NE(canary_unit(canary, question("a"), ""), canary_unit(canary, question("b"), ""));
  canary.by_client = true;
  EXPECT_EQ(canary_unit(canary, question("a"), "xx"), canary_unit(canary, question("b"), "xx"));
  EXPECT_NE(canary_unit(canary, question("a"), "xx"), canary_unit(canary, question("a"), "yy"));
  // Nobody is known by no key.
  EXPECT_NE(canary_unit(canary, question("a"), ""), canary_unit(canary, question("b"), ""));
}

// Where an operator lets no query leave, what clients say of theirs changes nothing.
TEST(KeepLocal, WhereEveryQueryMustStayNoneGoesToASharedCache) {
  const auto kept = [](bool all, bool own, bool shares_cache) {
    Serving serving;
    serving.require_local = all;
    auto query = question("a");
    query.require_local = own;
    keep_local(serving, shares_cache, query);
    EXPECT_EQ(query.require_local, all || own);
    return query.cache.mode;
  };
  EXPECT_EQ(kept(true, false, true), runtime::CacheMode::off);
  EXPECT_EQ(kept(false, true, true), runtime::CacheMode::off);
  EXPECT_NE(kept(false, false, true), runtime::CacheMode::off);
  EXPECT_NE(kept(true, false, false), runtime::CacheMode::off);
}

TEST(FindModel, WithoutAGatewayATierMeansTheModelThatIsThere) {
  Serving serving;
  serving.models.push_back(std::make_shared<ServedModel>(ServedModel{.id = "smol"}));
  for (const char* name : {"", "auto", "edge", "local", "pool", "smol"}) {
    const auto found = find_model(serving, name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ((*found)->id, "smol");
  }
  EXPECT_EQ(find_model(serving, "gpt-9").error().code, "model_not_found");
}

}  // namespace
}  // namespace sovereign::server::openai
