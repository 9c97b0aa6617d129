#include "crypto/ed25519/field51.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/ed25519/point.h"

namespace sovereign::crypto::ed25519 {
namespace {

Field51 random_field(std::mt19937_64& random) {
  Field51 a;
  for (auto& limb : a.limb) limb = random() & kMask51;
  return a;
}

Field51 small(std::uint64_t value) { return {{value, 0, 0, 0, 0}}; }

TEST(Field51, ObeysTheLawsOfAField) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 1000; ++i) {
    const Field51 a = random_field(random), b = random_field(random), c = random_field(random);
    EXPECT_TRUE(equal(mul(a, b), mul(b, a)));
    EXPECT_TRUE(equal(mul(mul(a, b), c), mul(a, mul(b, c))));
    EXPECT_TRUE(equal(mul(a, add(b, c)), carry(add(mul(a, b), mul(a, c)))));
    EXPECT_TRUE(equal(square(a), mul(a, a)));
    EXPECT_TRUE(equal(mul(a, invert(a)), kOne));
    EXPECT_TRUE(equal(carry(sub(a, b)), negate(carry(sub(b, a)))));
    EXPECT_TRUE(is_zero(add(a, negate(a))));
  }
}

// The largest inputs that the bounds allow must not overflow: compared with the same value reduced first.
TEST(Field51, LargestLimbsDoNotOverflow) {
  constexpr std::uint64_t top = (std::uint64_t{1} << 54) - 1;
  const Field51 big{{top, top, top, top, top}};
  const Field51 reduced = carry(carry(big));
  EXPECT_TRUE(equal(mul(big, big), mul(reduced, reduced)));
  EXPECT_TRUE(equal(square(big), square(reduced)));
  constexpr std::uint64_t tight = (std::uint64_t{1} << 51) + (std::uint64_t{1} << 16) - 1;
  const Field51 edge{{tight, tight, tight, tight, tight}};
  EXPECT_TRUE(is_zero(add(sub_tight(kZero, edge), edge)));
}

TEST(Field51, BytesRoundTripAndReduce) {
  std::array<std::byte, 32> p_plus_five{};
  p_plus_five.fill(std::byte{0xFF});
  p_plus_five[0] = std::byte{0xF2};
  p_plus_five[31] = std::byte{0x7F};
  EXPECT_TRUE(equal(field_from_bytes(p_plus_five), small(5)));
  EXPECT_EQ(field_to_bytes(field_from_bytes(p_plus_five))[0], std::byte{5});
  p_plus_five[0] = std::byte{0xED};
  EXPECT_TRUE(is_zero(field_from_bytes(p_plus_five)));
  std::array<std::byte, 32> all{};
  all.fill(std::byte{0xFF});
  EXPECT_TRUE(equal(field_from_bytes(all), small(18)));  // 2^255 - 1 = p + 18
}

TEST(Field51, CurveConstantsAreWhatTheyAreDefinedAs) {
  EXPECT_TRUE(equal(mul(kEdwardsD, small(121666)), negate(small(121665))));
  EXPECT_TRUE(equal(kEdwardsD2, add(kEdwardsD, kEdwardsD)));
  EXPECT_TRUE(equal(mul(kBasePoint.y, small(5)), small(4)));
  EXPECT_TRUE(equal(kBasePoint.t, mul(kBasePoint.x, kBasePoint.y)));
  EXPECT_FALSE(is_odd(kBasePoint.x));
}

}  // namespace
}  // namespace sovereign::crypto::ed25519
