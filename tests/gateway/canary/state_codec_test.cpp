#include "gateway/canary/state_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace sovereign::gateway {
namespace {

CanaryState sample() {
  CanaryConfig config;
  config.name = "größer \"1\"";
  config.configuration = "sha256:00";
  config.control = "sha256:11";
  Canary canary(config, 1'700'000'000'000);
  std::mt19937_64 random(1);
  for (int i = 0; i < 500; ++i) {
    Observation seen;
    seen.arm = random() % 10 == 0 ? Arm::variant : Arm::control;
    seen.seconds[0] = 1.0 / static_cast<double>(1 + random() % 1000);
    canary.observe(seen, i);
  }
  EXPECT_TRUE(canary.roll_back("admin", "line\nbreak", 1'700'000'000'001));
  return canary.state();
}

TEST(StateCodec, BringsBackEveryField) {
  const CanaryState state = sample();
  const auto read = decode_state(encode_state(state));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, state.name);
  EXPECT_EQ(read->configuration, state.configuration);
  EXPECT_EQ(read->control, "sha256:11");
  EXPECT_EQ(read->phase, state.phase);
  EXPECT_EQ(read->started_ms, state.started_ms);
  EXPECT_EQ(read->looks, state.looks);
  // Boost.JSON reads numbers to within a bit.
  ASSERT_EQ(read->evidence.size(), state.evidence.size());
  for (std::size_t i = 0; i < state.evidence.size(); ++i) {
    EXPECT_NEAR(read->evidence[i], state.evidence[i], 1e-12 * std::abs(state.evidence[i]));
  }
  ASSERT_EQ(read->story.size(), state.story.size());
  for (std::size_t i = 0; i < state.story.size(); ++i) {
    EXPECT_EQ(read->story[i].kind, state.story[i].kind);
    EXPECT_EQ(read->story[i].at_ms, state.story[i].at_ms);
    EXPECT_EQ(read->story[i].by, state.story[i].by);
    EXPECT_EQ(read->story[i].why, state.story[i].why);
    EXPECT_EQ(read->story[i].variants, state.story[i].variants);
  }
}

TEST(StateCodec, RefusesEveryBeginningAndOtherTexts) {
  const std::string text = encode_state(sample());
  for (std::size_t length = 0; length + 2 < text.size(); ++length) {
    EXPECT_FALSE(decode_state(std::string_view(text).substr(0, length))) << length;
  }
  for (const char* other : {"[]", "{}", "null", "7", R"({"version":2})"}) EXPECT_FALSE(decode_state(other));
  std::string wrong = text;
  wrong.replace(wrong.find("rolled_back"), 11, "rolled_left");
  EXPECT_FALSE(decode_state(wrong));
}

}  // namespace
}  // namespace sovereign::gateway
