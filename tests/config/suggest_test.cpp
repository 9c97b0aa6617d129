#include "config/suggest.h"

#include <gtest/gtest.h>

#include <array>

#include "config/key_table.h"

namespace sovereign::config {
namespace {

TEST(Suggest, FindsTheNearestWord) {
  constexpr std::array<std::string_view, 3> words = {"server.port", "server.host", "engine.threads"};
  EXPECT_EQ(nearest("server.prot", words), "server.port");
  EXPECT_EQ(nearest("server.hots", words), "server.host");
  EXPECT_EQ(nearest("engine.thread", words), "engine.threads");
  EXPECT_EQ(nearest("server.port", words), "server.port");
}

TEST(Suggest, StaysSilentWhenNothingIsNear) {
  constexpr std::array<std::string_view, 1> words = {"server.port"};
  EXPECT_EQ(nearest("colour", words), "");
  EXPECT_EQ(nearest("", words), "");
}

TEST(Suggest, KnowsAKeyThatLacksItsSection) {
  EXPECT_EQ(suggestion("port"), "did you mean 'server.port'?");
  EXPECT_EQ(suggestion("engine.port"), "did you mean 'server.port'?");
  EXPECT_EQ(suggestion("server.max_body_byte"), "did you mean 'server.max_body_bytes'?");
  EXPECT_EQ(suggestion("something.else.entirely"), "");
}

}  // namespace
}  // namespace sovereign::config
