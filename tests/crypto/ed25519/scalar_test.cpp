#include "crypto/ed25519/scalar.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <cstring>
#include <random>

namespace sovereign::crypto::ed25519 {
namespace {

std::array<std::byte, 32> bytes_of(const Scalar& scalar) {
  std::array<std::byte, 32> bytes;
  std::memcpy(bytes.data(), scalar.word, 32);
  return bytes;
}

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

std::array<std::byte, 64> random_wide(std::mt19937_64& random) {
  std::array<std::byte, 64> wide;
  for (auto& byte : wide) byte = static_cast<std::byte>(random());
  return wide;
}

TEST(Scalar, AgreesWithLibsodium) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 5000; ++i) {
    auto wide_a = random_wide(random);
    if (i % 5 == 0) wide_a.fill(std::byte{0xFF});
    if (i % 7 == 0) std::fill(wide_a.begin() + 32, wide_a.end(), std::byte{0});
    auto wide_b = random_wide(random);
    const Scalar a = scalar_from_wide(wide_a), b = scalar_from_wide(wide_b);
    std::array<std::byte, 32> sodium_a, sodium_b, expected;
    crypto_core_ed25519_scalar_reduce(raw(sodium_a.data()), raw(wide_a.data()));
    crypto_core_ed25519_scalar_reduce(raw(sodium_b.data()), raw(wide_b.data()));
    EXPECT_EQ(bytes_of(a), sodium_a);
    crypto_core_ed25519_scalar_mul(raw(expected.data()), raw(sodium_a.data()), raw(sodium_b.data()));
    EXPECT_EQ(bytes_of(mul(a, b)), expected);
    crypto_core_ed25519_scalar_add(raw(expected.data()), raw(sodium_a.data()), raw(sodium_b.data()));
    EXPECT_EQ(bytes_of(add(a, b)), expected);
    crypto_core_ed25519_scalar_negate(raw(expected.data()), raw(sodium_a.data()));
    EXPECT_EQ(bytes_of(negate(a)), expected);
  }
}

TEST(Scalar, CanonicalMeansUnderTheOrder) {
  const Scalar largest = negate(Scalar{{1, 0, 0, 0}});
  auto bytes = bytes_of(largest);
  EXPECT_EQ(scalar_from_canonical(bytes), largest);
  bytes[0] = static_cast<std::byte>(std::to_integer<int>(bytes[0]) + 1);  // L
  EXPECT_FALSE(scalar_from_canonical(bytes));
  bytes.fill(std::byte{0xFF});
  EXPECT_FALSE(scalar_from_canonical(bytes));
  bytes.fill(std::byte{0});
  EXPECT_TRUE(scalar_from_canonical(bytes));
  bytes[31] = std::byte{0x10};  // 2^252 < L
  EXPECT_TRUE(scalar_from_canonical(bytes));
}

TEST(Scalar, NafDigitsSumToTheScalar) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    Scalar scalar = scalar_from_wide(random_wide(random));
    if (i == 0) scalar = negate(Scalar{{1, 0, 0, 0}});
    const bool half = i % 2 == 1;
    if (half) scalar.word[2] = scalar.word[3] = 0;
    if (i % 8 == 3) scalar.word[0] = scalar.word[1] = ~std::uint64_t{0};
    for (const int width : {5, 8}) {
      Scalar sum{};
      int last = -width;
      const auto digit = [&](int position, int value) {
        EXPECT_GE(position - last, width);
        EXPECT_EQ(value & 1, 1);
        EXPECT_LT(std::abs(value), 1 << (width - 1));
        last = position;
        Scalar power{};
        power.word[position / 64] = std::uint64_t{1} << (position % 64);
        const Scalar magnitude{{static_cast<std::uint64_t>(std::abs(value)), 0, 0, 0}};
        const Scalar term = mul(power, magnitude);
        sum = add(sum, value < 0 ? negate(term) : term);
      };
      for_each_naf_digit(scalar.word, half ? 128 : 253, width, digit);
      EXPECT_EQ(sum, mul(scalar, Scalar{{1, 0, 0, 0}})) << "width " << width;
    }
  }
}

}  // namespace
}  // namespace sovereign::crypto::ed25519
