#include "config/quantity.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sovereign::config {
namespace {

TEST(Quantity, ReadsDurations) {
  EXPECT_EQ(parse_duration_ms("0s"), 0);
  EXPECT_EQ(parse_duration_ms("500ms"), 500);
  EXPECT_EQ(parse_duration_ms("30s"), 30'000);
  EXPECT_EQ(parse_duration_ms("10m"), 600'000);
  EXPECT_EQ(parse_duration_ms("2h"), 7'200'000);
}

TEST(Quantity, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "30", "s", "-1s", "+1s", "1.5s", "30 s", "30S", "1h30m",
                           "9223372036854775807h", "99999999999999999999s", "30s "}) {
    EXPECT_FALSE(parse_duration_ms(text)) << text;
  }
}

TEST(Quantity, ReadsSizes) {
  EXPECT_EQ(parse_size_bytes("65536"), 65536);
  EXPECT_EQ(parse_size_bytes("7B"), 7);
  EXPECT_EQ(parse_size_bytes("64KiB"), 65536);
  EXPECT_EQ(parse_size_bytes("4MiB"), 4 * 1024 * 1024);
  EXPECT_EQ(parse_size_bytes("1GB"), 1'000'000'000);
}

TEST(Quantity, RefusesWhatIsNoSize) {
  for (const char* text : {"", "MiB", "-1", "4mib", "4 MiB", "4M", "1.5GiB", "9223372036854775807GiB"}) {
    EXPECT_FALSE(parse_size_bytes(text)) << text;
  }
}

RC_GTEST_PROP(Quantity, FormattingIsExact, ()) {
  const auto number = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 45);
  RC_ASSERT(parse_duration_ms(format_duration_ms(number)).value() == number);
  RC_ASSERT(parse_size_bytes(format_size_bytes(number)).value() == number);
}

TEST(Quantity, FormatsInTheLargestUnitThatFits) {
  EXPECT_EQ(format_duration_ms(75'000), "75s");
  EXPECT_EQ(format_duration_ms(1'500), "1500ms");
  EXPECT_EQ(format_duration_ms(7'200'000), "2h");
  EXPECT_EQ(format_size_bytes(4 * 1024 * 1024), "4MiB");
  EXPECT_EQ(format_size_bytes(1'000), "1000B");
  EXPECT_EQ(format_size_bytes(0), "0B");
}

}  // namespace
}  // namespace sovereign::config
