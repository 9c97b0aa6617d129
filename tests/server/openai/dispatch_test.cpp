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
  EXPECT_TRUE(takes_part(canary, question("a"), "", {}));
  EXPECT_TRUE(takes_part(canary, question("a"), "named", {}));
  auto local = question("a");
  local.require_local = true;
  EXPECT_TRUE(takes_part(canary, local, "named", {gateway::Tier::pool, true}));
}

TEST(Dispatch, WhoHasASayInWhoAnswersIsNotSentElsewhere) {
  Canary canary;
  canary.overlay.model = "other";
  EXPECT_TRUE(takes_part(canary, question("a"), "", {}));
  EXPECT_TRUE(takes_part(canary, question("a"), "auto", {}));
  EXPECT_FALSE(takes_part(canary, question("a"), "named", {}));
  EXPECT_FALSE(takes_part(canary, question("a"), "", {gateway::Tier::edge, false}));
  auto local = question("a");
  local.require_local = true;
  EXPECT_FALSE(takes_part(canary, local, "", {}));
  canary.models = {"named", "also"};
  EXPECT_TRUE(takes_part(canary, question("a"), "named", {}));
  EXPECT_FALSE(takes_part(canary, question("a"), "", {}));
  EXPECT_FALSE(takes_part(canary, local, "named", {}));
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
