#include "server/http/target.h"

#include <gtest/gtest.h>

namespace sovereign::server {
namespace {

TEST(Target, DecodesPercents) {
  EXPECT_EQ(percent_decode("a%2Fb%20%c3%A9+"), "a/b \u00E9+");
  for (const char* broken : {"%", "%4", "%g0", "%0g", "a%00", "%0A", "%7f"}) {
    EXPECT_EQ(percent_decode(broken), std::nullopt) << broken;
  }
}

TEST(Target, SplitsItsForms) {
  const auto path = [](std::string_view text) {
    const auto target = parse_target(text);
    return target ? target->path + " " + target->query : std::string("malformed");
  };
  EXPECT_EQ(path("/a/b?c=%20&d?"), "/a/b c=%20&d?");
  EXPECT_EQ(path("http://host:1/a?b"), "/a b");
  EXPECT_EQ(path("http://host"), "/ ");
  EXPECT_EQ(path("/a://b"), "/a://b ");
  EXPECT_EQ(path("*"), "* ");
  EXPECT_EQ(path("host:443"), "malformed");
  EXPECT_EQ(path(""), "malformed");
}

}  // namespace
}  // namespace sovereign::server
