#include "net/url.h"

#include <gtest/gtest.h>

namespace sovereign::net {
namespace {

TEST(Url, PartsAndDefaults) {
  const auto plain = parse_url("http://localhost:8080/v1/models?x=1#top");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "localhost");
  EXPECT_EQ(plain->port, 8080);
  EXPECT_EQ(plain->target, "/v1/models?x=1");
  EXPECT_EQ(plain->authority(), "localhost:8080");

  const auto tls = parse_url("https://example.org");
  ASSERT_TRUE(tls);
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->port, 443);
  EXPECT_EQ(tls->target, "/");
  EXPECT_EQ(tls->authority(), "example.org");
  EXPECT_EQ(tls->origin(), "https://example.org:443");
}

TEST(Url, Ipv6AndAQueryWithoutPath) {
  const auto url = parse_url("http://[::1]:81?a=b");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->authority(), "[::1]:81");
  EXPECT_EQ(url->target, "/?a=b");
}

TEST(Url, RefusesWhatCannotBeAsked) {
  for (const char* text : {"", "localhost:8080", "/v1", "ftp://x/", "http://", "http://u:p@host/",
                           "http://h:0/", "http://h:70000/", "http://h/a b", "http://h/\r\nX: y"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, ErrorCode::invalid_argument);
  }
}

}  // namespace
}  // namespace sovereign::net
