#include "server/router.h"

#include <gmock/gmock.h>

namespace sovereign::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

asio::awaitable<void> nothing(Exchange&) { co_return; }

Router example() {
  Router router;
  router.add("GET", "/v1/models", Access::key, nothing);
  router.add("GET", "/v1/models/{*}", Access::key, nothing);
  router.add("GET", "/a/{}/b/{}", Access::open, nothing);
  router.add("POST", "/a/{}/b/{}", Access::open, nothing);
  return router;
}

TEST(Router, MatchesLiteralsExactly) {
  const Router router = example();
  EXPECT_NE(router.match("GET", "/v1/models").handler, nullptr);
  EXPECT_NE(router.match("GET", "/v1/%6Dodels").handler, nullptr);
  for (const char* path : {"/v1", "/v1/models/", "/V1/models", "/v1//models", "/", "", "*"}) {
    const auto match = router.match("GET", path);
    EXPECT_EQ(match.handler, nullptr) << path;
    EXPECT_THAT(match.allowed_methods, IsEmpty()) << path;
  }
}

TEST(Router, AnEarlierRouteWinsAlsoOverALiteralOne) {
  Router router;
  router.add("GET", "/x/{}", Access::open, nothing);
  router.add("GET", "/x/y", Access::admin, nothing);
  router.add("POST", "/x/y", Access::key, nothing);
  EXPECT_THAT(router.match("GET", "/x/y").path_parameters, ElementsAre("y"));
  EXPECT_EQ(router.match("GET", "/x/y").access, Access::open);
  EXPECT_EQ(router.match("POST", "/x/y").access, Access::key);
}

TEST(Router, TakesParametersDecoded) {
  const Router router = example();
  EXPECT_THAT(router.match("GET", "/a/1/b/x%20y").path_parameters, ElementsAre("1", "x y"));
  EXPECT_THAT(router.match("GET", "/a/o%2Fn/b/2").path_parameters, ElementsAre("o/n", "2"));
  EXPECT_EQ(router.match("GET", "/a//b/2").handler, nullptr);
  EXPECT_EQ(router.match("GET", "/a/1/b/2/3").handler, nullptr);
}

TEST(Router, TakesTheRestWithItsSlashes) {
  const Router router = example();
  EXPECT_THAT(router.match("GET", "/v1/models/org/name").path_parameters, ElementsAre("org/name"));
  EXPECT_THAT(router.match("GET", "/v1/models/org%2Fname").path_parameters, ElementsAre("org/name"));
  EXPECT_THAT(router.match("GET", "/v1/models/name").path_parameters, ElementsAre("name"));
}

TEST(Router, SaysWhichMethodsThereAre) {
  const Router router = example();
  EXPECT_NE(router.match("HEAD", "/v1/models").handler, nullptr);
  const auto match = router.match("DELETE", "/a/1/b/2");
  EXPECT_EQ(match.handler, nullptr);
  EXPECT_EQ(match.allowed_methods, "GET, HEAD, POST");
  EXPECT_EQ(match.access, Access::open);
  EXPECT_EQ(router.match("HEAD", "/nothing").allowed_methods, "");
}

}  // namespace
}  // namespace sovereign::server
