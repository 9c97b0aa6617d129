#include "cache/hash128.h"

#include <gtest/gtest.h>

#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_SCALAR
#include <xxhash.h>

#include <random>
#include <string>

#include "cache/hash128_simd.h"

namespace sovereign::cache {
namespace {

// XXH3 of the empty input and of short texts, as published with the reference implementation (xxhsum -H2).
TEST(Hash128, EqualsThePublishedValues) {
  EXPECT_EQ(to_hex(hash128("")), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash128, EqualsTheScalarReferenceAtEveryLength) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::string bytes(20'000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  for (std::size_t size = 0; size <= bytes.size(); size += size < 1200 ? 1 : 317) {
    const std::string_view input = std::string_view(bytes).substr(bytes.size() - size);
    const XXH128_hash_t expected = XXH3_128bits(input.data(), input.size());
    const Hash128 hash{expected.low64, expected.high64};
    ASSERT_EQ(hash128(input), hash) << size << " bytes";
#if defined(__x86_64__)
    if (size <= 240) continue;
    if (__builtin_cpu_supports("avx2")) {
      ASSERT_EQ(hash128_avx2(input.data(), size), hash) << size << " bytes";
    }
    if (__builtin_cpu_supports("avx512f")) {
      ASSERT_EQ(hash128_avx512(input.data(), size), hash) << size << " bytes";
    }
#endif
  }
}

TEST(Hash128, HexGoesThereAndBack) {
  const Hash128 hash{0x0123456789abcdef, 0x00000000000000ff};
  EXPECT_EQ(to_hex(hash), "00000000000000ff0123456789abcdef");
  EXPECT_EQ(hash128_from_hex(to_hex(hash)), hash);
  EXPECT_FALSE(hash128_from_hex("12").has_value());
  EXPECT_FALSE(hash128_from_hex("00000000000000ff0123456789abcdeg").has_value());
  EXPECT_FALSE(hash128_from_hex("-0000000000000ff0123456789abcdef").has_value());
}

}  // namespace
}  // namespace sovereign::cache
