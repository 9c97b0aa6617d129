#include "crypto/es6_number.h"

#include <gtest/gtest.h>

#include <charconv>
#include <limits>
#include <string>

#include "crypto/es6_sequence.h"

namespace sovereign::crypto {
namespace {

std::string text_of(double value) {
  char text[kEs6NumberBytes];
  return {text, write_es6_number(value, text)};
}

// SHA-256 over the lines "<bits in hex>,<number>\n", as the authors publish it.
std::string digest_of_lines(std::size_t lines) {
  Es6Sequence sequence;
  Sha256Stream hash;
  for (std::size_t i = 0; i < lines; ++i) {
    const double value = sequence.next();
    char line[64];
    char* end = std::to_chars(line, line + 16, std::bit_cast<std::uint64_t>(value), 16).ptr;
    *end++ = ',';
    end = write_es6_number(value, end);
    *end++ = '\n';
    hash.update(std::string_view(line, static_cast<std::size_t>(end - line)));
  }
  return to_hex(hash.finish());
}

TEST(Es6Number, PrintsAsEcmaScriptDoes) {
  EXPECT_EQ(text_of(0.0), "0");
  EXPECT_EQ(text_of(-0.0), "0");
  EXPECT_EQ(text_of(56.0), "56");
  EXPECT_EQ(text_of(-1.5), "-1.5");
  EXPECT_EQ(text_of(0.002), "0.002");
  EXPECT_EQ(text_of(0.000001), "0.000001");
  EXPECT_EQ(text_of(0.0000001), "1e-7");
  EXPECT_EQ(text_of(1e20), "100000000000000000000");
  EXPECT_EQ(text_of(1e21), "1e+21");
  EXPECT_EQ(text_of(999999999999999900000.0), "999999999999999900000");
  EXPECT_EQ(text_of(9007199254740991.0), "9007199254740991");
  EXPECT_EQ(text_of(9007199254740994.0), "9007199254740994");
  EXPECT_EQ(text_of(333333333.33333329), "333333333.3333333");
  EXPECT_EQ(text_of(std::numeric_limits<double>::denorm_min()), "5e-324");
  EXPECT_EQ(text_of(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
}

TEST(Es6Number, LongestFitsTheBuffer) {
  EXPECT_LE(text_of(-1.2345678901234567e-308).size(), kEs6NumberBytes);
  EXPECT_LE(text_of(-1.2345678901234567e-6).size(), kEs6NumberBytes);
}

// RFC 8785, appendix B.
TEST(Es6Number, SamplesOfTheRfc) {
  const std::pair<std::uint64_t, const char*> samples[] = {
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, expected] : samples) EXPECT_EQ(text_of(std::bit_cast<double>(bits)), expected);
}

TEST(Es6Number, PublishedDigestsOfTheSequence) {
  EXPECT_EQ(digest_of_lines(1'000), "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687");
  EXPECT_EQ(digest_of_lines(10'000), "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892");
  EXPECT_EQ(digest_of_lines(1'000'000), "49415fee2c56c77864931bd3624faad425c3c577d6d74e89a83bc725506dad16");
}

// Ten million lines take some ten seconds: `make fuzz` sets this.
TEST(Es6Number, PublishedDigestOfTenMillionLines) {
  if (std::getenv("SOVEREIGN_LONG_TESTS") == nullptr) GTEST_SKIP() << "set SOVEREIGN_LONG_TESTS to run it";
  EXPECT_EQ(digest_of_lines(10'000'000), "b9f8a44a91d46813b21b9602e72f112613c91408db0b8341fb94603d9db135e0");
}

}  // namespace
}  // namespace sovereign::crypto
