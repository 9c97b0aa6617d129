// The vector field against the portable one, at the ends of the ranges that its bounds allow.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "crypto/ed25519/avx2_target.h"
#include "crypto/ed25519/backend.h"
#include "crypto/ed25519/field51.h"

#ifdef SOVEREIGN_HAS_AVX2
#include <immintrin.h>

SOVEREIGN_AVX2_BEGIN
#include "crypto/ed25519/field_avx2.h"
#include "crypto/ed25519/power_chain.h"

namespace sovereign::crypto::ed25519 {
namespace {

// Four elements by limbs, as whole numbers that may be negative.
struct Limbs {
  std::int64_t limb[4][5];
};

FieldX4 load(const Limbs& limbs) {
  FieldX4 out;
  for (int i = 0; i < 5; ++i)
    out.limb[i] =
        _mm256_setr_pd(static_cast<double>(limbs.limb[0][i]), static_cast<double>(limbs.limb[1][i]),
                       static_cast<double>(limbs.limb[2][i]), static_cast<double>(limbs.limb[3][i]));
  return out;
}

Limbs store(const FieldX4& field) {
  Limbs out;
  for (int i = 0; i < 5; ++i) {
    double lanes[4];
    _mm256_storeu_pd(lanes, field.limb[i]);
    for (int lane = 0; lane < 4; ++lane) out.limb[lane][i] = static_cast<std::int64_t>(lanes[lane]);
  }
  return out;
}

Limbs mul_limbs(const Limbs& f, const Limbs& g) { return store(mul(load(f), load(g))); }
Limbs square_limbs(const Limbs& f) { return store(square(load(f))); }
Limbs carry_limbs(const Limbs& f) { return store(carry(load(f))); }
void unpack_limbs(const Limbs& f, Field51* out) { unpack(load(f), out); }
Limbs pack_limbs(const Field51* f) { return store(pack(f[0], f[1], f[2], f[3])); }
Limbs power_p58_limbs(const Limbs& f) {
  return store(power_p58_of(InTurn<FieldX4, 2>{{load(f), load(f)}}).element[1]);
}

}  // namespace
}  // namespace sovereign::crypto::ed25519
SOVEREIGN_AVX2_END

namespace sovereign::crypto::ed25519 {
namespace {

constexpr std::int64_t kTight = (std::int64_t{1} << 50) + (1 << 10);
constexpr std::int64_t kLoose = (std::int64_t{1} << 51) + (1 << 11);
constexpr std::int64_t kWide = (std::int64_t{1} << 53) - 1;

// The same element in the portable field.
Field51 portable(const std::int64_t* limb) {
  Field51 out;
  for (int i = 0; i < 5; ++i) {  // with 8 p, so that no limb is negative
    const std::int64_t p8 = 8 * static_cast<std::int64_t>(i == 0 ? kMask51 - 18 : kMask51);
    out.limb[i] = static_cast<std::uint64_t>(limb[i] + p8);
  }
  return carry(out);
}

void expect_tight(const Limbs& limbs) {
  for (const auto& lane : limbs.limb)
    for (const std::int64_t limb : lane) EXPECT_LE(std::abs(limb), kTight);
}

class FieldAvx2 : public testing::Test {
 protected:
  void SetUp() override {
    if (avx2_backend() == nullptr) GTEST_SKIP() << "this CPU has no AVX2";
  }

  // Mostly the ends of the range, and what lies beside them and beside zero.
  Limbs limbs_within(std::int64_t bound) {
    Limbs limbs;
    for (auto& lane : limbs.limb)
      for (auto& limb : lane) {
        switch (random_() % 6) {
          case 0: limb = bound; break;
          case 1: limb = -bound; break;
          case 2: limb = static_cast<std::int64_t>(random_() % 3) - 1; break;
          case 3: limb = (bound - 1) * (random_() % 2 == 0 ? 1 : -1); break;
          case 4: limb = (random_() % 2 == 0 ? 1 : -1) * (std::int64_t{1} << 50); break;
          default:
            limb = static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(2 * bound + 1)) - bound;
        }
      }
    return limbs;
  }

  const unsigned seed_ = std::random_device{}();
  std::mt19937_64 random_{seed_};
  testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
};

Limbs filled(std::int64_t value) {
  Limbs limbs;
  for (auto& lane : limbs.limb)
    for (auto& limb : lane) limb = value;
  return limbs;
}

TEST_F(FieldAvx2, ProductsAtTheEndsOfTheRange) {
  for (int round = 0; round < 5000; ++round) {
    Limbs f = limbs_within(kLoose), g = limbs_within(kTight);
    if (round < 4) {
      f = filled(round % 2 == 0 ? kLoose : -kLoose);
      g = filled(round < 2 ? kTight : -kTight);
    }
    const Limbs product = mul_limbs(f, g);
    expect_tight(product);
    for (int lane = 0; lane < 4; ++lane)
      ASSERT_TRUE(equal(portable(product.limb[lane]), mul(portable(f.limb[lane]), portable(g.limb[lane]))));
  }
}

TEST_F(FieldAvx2, SquaresAtTheEndsOfTheRange) {
  for (int round = 0; round < 5000; ++round) {
    Limbs f = limbs_within(kTight);
    if (round < 2) f = filled(round == 0 ? kTight : -kTight);
    const Limbs result = square_limbs(f);
    expect_tight(result);
    for (int lane = 0; lane < 4; ++lane)
      ASSERT_TRUE(equal(portable(result.limb[lane]), square(portable(f.limb[lane]))));
  }
}

TEST_F(FieldAvx2, CarriesAtTheEndsOfTheRange) {
  for (int round = 0; round < 5000; ++round) {
    Limbs f = limbs_within(kWide);
    if (round < 2) f = filled(round == 0 ? kWide : -kWide);
    const Limbs result = carry_limbs(f);
    expect_tight(result);
    for (int lane = 0; lane < 4; ++lane)
      ASSERT_TRUE(equal(portable(result.limb[lane]), portable(f.limb[lane])));
  }
}

TEST_F(FieldAvx2, ComesFromThePortableFieldAndGoesBack) {
  constexpr std::uint64_t tight = (std::uint64_t{1} << 51) + (std::uint64_t{1} << 16) - 1;
  for (int round = 0; round < 1000; ++round) {
    Field51 four[4], back[4];
    for (auto& field : four)
      for (auto& limb : field.limb) limb = round == 0 ? tight : round == 1 ? 0 : random_() % (tight + 1);
    const Limbs packed = pack_limbs(four);
    expect_tight(packed);
    unpack_limbs(packed, back);
    for (int lane = 0; lane < 4; ++lane) {
      ASSERT_TRUE(equal(back[lane], four[lane]));
      for (const std::uint64_t limb : back[lane].limb) EXPECT_LE(limb, tight);
    }
  }
}

TEST_F(FieldAvx2, PowersAreThePortableOnes) {
  for (int round = 0; round < 50; ++round) {
    const Limbs f = limbs_within(kTight);
    const Limbs power = power_p58_limbs(f);
    for (int lane = 0; lane < 4; ++lane)
      ASSERT_TRUE(equal(portable(power.limb[lane]), power_p58(portable(f.limb[lane]))));
  }
}

}  // namespace
}  // namespace sovereign::crypto::ed25519
#endif
