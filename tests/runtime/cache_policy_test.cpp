#include "runtime/cache_policy.h"

#include <gtest/gtest.h>

namespace sovereign::runtime {
namespace {

CachePolicy read(std::string_view header) {
  CachePolicy policy;
  apply_cache_control(header, policy);
  return policy;
}

TEST(CacheControl, DirectivesAreReadAsHttpWritesThem) {
  EXPECT_TRUE(read("no-cache").no_lookup);
  EXPECT_TRUE(read("foo, No-Cache ,bar").no_lookup);
  EXPECT_FALSE(read("no-cache").no_store);
  EXPECT_TRUE(read("max-age=0,no-store").no_store);
  EXPECT_EQ(read("max-age=60").age_limit, std::chrono::seconds(60));
  EXPECT_EQ(read("MAX-AGE = \"5\"").age_limit, std::chrono::seconds(5));
  for (const char* none :
       {"", ",", "max-age", "max-age=", "max-age=-1", "max-age=1x", "no-cachet", "=no-store"}) {
    const CachePolicy policy = read(none);
    EXPECT_FALSE(policy.no_lookup || policy.no_store || policy.age_limit) << none;
  }
  EXPECT_TRUE(read("max-age=99999999999999999999").age_limit) << "too large to read is still an age";
}

TEST(CachePlan, WhoWantsNothingKeptSharesNothing) {
  SovereignQuery query;
  query.sampling.temperature = 0;
  EXPECT_TRUE(plan_cache(query, {}).join);
  query.cache.no_store = true;
  EXPECT_TRUE(plan_cache(query, {}).lookup);
  EXPECT_FALSE(plan_cache(query, {}).store);
  EXPECT_FALSE(plan_cache(query, {}).join);
  query.cache.mode = CacheMode::off;
  EXPECT_FALSE(plan_cache(query, {}).uses_cache());
}

TEST(CachePlan, NothingIsFoundOrKeptOfNobodyKnowsWho) {
  SovereignQuery query;
  query.cache.mode = CacheMode::force;
  EXPECT_TRUE(plan_cache(query, {}).uses_cache());
  gateway::BackendIdentity unknown;
  unknown.settled = false;
  EXPECT_FALSE(plan_cache(query, unknown).uses_cache());
}

}  // namespace
}  // namespace sovereign::runtime
