#include "server/exchange.h"

#include <gtest/gtest.h>

namespace sovereign::server {
namespace {

HttpRequest request_with(std::vector<std::pair<std::string, std::string>> headers) {
  HttpRequest request;
  request.headers = std::move(headers);
  return request;
}

// Of two Cache-Control lines the first counted alone.
TEST(HttpRequest, LinesOfAListAreOneList) {
  const auto request = request_with(
      {{"Cache-Control", "max-age=60"}, {"Host", "here"}, {"cache-control", "no-store"}, {"Empty", ""}});
  EXPECT_EQ(request.header_list("Cache-Control"), "max-age=60, no-store");
  EXPECT_EQ(request.header_list("Host"), "here");
  EXPECT_EQ(request.header_list("Empty"), "");
  EXPECT_EQ(request.header_list("Other"), "");
  EXPECT_EQ(request_with({{"A", ""}, {"A", "b"}}).header_list("a"), "b");
}

TEST(HttpRequest, AHeaderIsItsFirstLine) {
  const auto request = request_with({{"X-One", "1"}, {"x-one", "2"}});
  EXPECT_EQ(request.header("x-ONE"), "1");
  EXPECT_EQ(request.header("other"), "");
}

}  // namespace
}  // namespace sovereign::server
