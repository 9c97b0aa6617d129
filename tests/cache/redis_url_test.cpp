#include "cache/redis_url.h"

#include <gtest/gtest.h>

namespace sovereign::cache {
namespace {

TEST(RedisUrl, AllItsParts) {
  const auto all = parse_redis_url("redis://me:p%40ss%2F:w@cache.example:7000/3");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->host, "cache.example");
  EXPECT_EQ(all->port, 7000);
  EXPECT_EQ(all->user, "me");
  EXPECT_EQ(all->password, "p@ss/:w");
  EXPECT_EQ(all->database, 3u);
  const auto least = parse_redis_url("redis://localhost");
  ASSERT_TRUE(least);
  EXPECT_EQ(least->port, 6379);
  EXPECT_TRUE(least->password.empty());
  EXPECT_EQ(parse_redis_url("redis://:secret@[::1]:1/")->host, "::1");
  EXPECT_EQ(parse_redis_url("redis://[::1]")->port, 6379);
}

TEST(RedisUrl, WhatIsNone) {
  for (const char* url : {"", "localhost", "http://x", "redis://", "redis://:1", "redis://x:", "redis://x:0",
                          "redis://x:70000", "redis://x:1x", "redis://x/y", "redis://user@x", "redis://:%4@x",
                          "redis://:%zz@x", "redis://[::1", "redis://[::1]x"}) {
    EXPECT_FALSE(parse_redis_url(url)) << url;
  }
  EXPECT_EQ(parse_redis_url("rediss://x").error().code, ErrorCode::unsupported);
  EXPECT_EQ(parse_redis_url("redis://:secret@x:bad").error().message.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace sovereign::cache
