// The vector fields of AVX-512 IFMA against the portable one, at the ends of the ranges that their bounds
// allow.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "crypto/ed25519/backend.h"
#include "crypto/ed25519/field51.h"
#include "crypto/ed25519/ifma_target.h"

#ifdef SOVEREIGN_HAS_IFMA
#include <immintrin.h>

SOVEREIGN_IFMA_BEGIN
#include "crypto/ed25519/field_ifma.h"
#include "crypto/ed25519/power_chain.h"

namespace sovereign::crypto::ed25519 {
namespace {

// One element per lane: four or eight.
using Elements = std::vector<Field51>;

template <class Lanes, template <class> class Kind>
Kind<Lanes> load(const Elements& elements) {
  Kind<Lanes> out;
  for (int i = 0; i < 5; ++i) {
    alignas(64) std::uint64_t words[8];
    for (std::size_t lane = 0; lane < elements.size(); ++lane) words[lane] = elements[lane].limb[i];
    std::memcpy(&out.limb[i], words, sizeof out.limb[i]);
  }
  return out;
}

template <class Lanes>
Elements store(const IfmaField<Lanes>& field) {
  Elements out(sizeof field.limb[0] / 8);
  for (int i = 0; i < 5; ++i) {
    std::uint64_t words[8];
    std::memcpy(words, &field.limb[i], sizeof field.limb[i]);
    for (std::size_t lane = 0; lane < out.size(); ++lane) out[lane].limb[i] = words[lane];
  }
  return out;
}

struct Operations {
  std::size_t lanes;
  Elements (*mul)(const Elements&, const Elements&);
  Elements (*square)(const Elements&);
  Elements (*carried_difference)(const Elements&, const Elements&);  // of sums
  Elements (*reduced)(const Elements&);
  Elements (*power_p58)(const Elements&);
};

template <class Lanes>
Operations operations() {
  return {sizeof(typename Lanes::Vector) / 8,
          [](const Elements& f, const Elements& g) {
            return store(mul(load<Lanes, IfmaField>(f), load<Lanes, IfmaField>(g)));
          },
          [](const Elements& f) { return store(square(load<Lanes, IfmaField>(f))); },
          [](const Elements& f, const Elements& g) {
            return store(carry(minus(load<Lanes, IfmaSums>(f), load<Lanes, IfmaSums>(g))));
          },
          [](const Elements& f) { return store(reduced(load<Lanes, IfmaField>(f))); },
          [](const Elements& f) {
            const auto one = load<Lanes, IfmaField>(f);
            return store(power_p58_of(InTurn<IfmaField<Lanes>, 2>{{one, one}}).element[1]);
          }};
}

}  // namespace
}  // namespace sovereign::crypto::ed25519
SOVEREIGN_IFMA_END

namespace sovereign::crypto::ed25519 {
namespace {

constexpr std::uint64_t kTight = (std::uint64_t{1} << 51) + (1 << 16) - 1;
constexpr std::uint64_t kFactor = (std::uint64_t{1} << 52) - 1;
// What minus() may subtract, and from what, so that the difference is under 2^62.
constexpr std::uint64_t kSubtrahend = (std::uint64_t{1} << 61) - (1 << 15);
constexpr std::uint64_t kMinuend = std::uint64_t{1} << 61;

enum class Width { four, eight };

class FieldIfma : public testing::TestWithParam<Width> {
 protected:
  void SetUp() override {
    if (ifma_backend() == nullptr) GTEST_SKIP() << "this CPU has no AVX-512 IFMA";
    ops_ = GetParam() == Width::four ? operations<FourLanes>() : operations<EightLanes>();
  }

  // Mostly the ends of the range, and what lies beside them and beside a limb of p.
  Elements within(std::uint64_t bound) {
    Elements elements(ops_.lanes);
    for (Field51& element : elements) {
      for (auto& limb : element.limb) {
        switch (random_() % 6) {
          case 0: limb = bound; break;
          case 1: limb = 0; break;
          case 2: limb = random_() % 3; break;
          case 3: limb = bound - random_() % 3; break;
          case 4: limb = kMask51 - random_() % 20; break;
          default: limb = random_() % (bound + 1);
        }
      }
    }
    return elements;
  }

  Elements all(std::uint64_t limb) const {
    return Elements(ops_.lanes, Field51{{limb, limb, limb, limb, limb}});
  }

  static void expect_tight(const Elements& elements) {
    for (const Field51& element : elements)
      for (const std::uint64_t limb : element.limb) EXPECT_LE(limb, kTight);
  }

  Operations ops_{};
  const unsigned seed_ = std::random_device{}();
  std::mt19937_64 random_{seed_};
  testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
};

TEST_P(FieldIfma, ProductsAtTheEndsOfTheRange) {
  for (int round = 0; round < 5000; ++round) {
    const Elements f = round == 0 ? all(kFactor) : within(kFactor);
    const Elements g = round == 0 ? all(kTight) : within(kTight);
    const Elements product = ops_.mul(f, g);
    expect_tight(product);
    for (std::size_t lane = 0; lane < f.size(); ++lane)
      ASSERT_TRUE(equal(product[lane], mul(f[lane], g[lane])));
  }
}

TEST_P(FieldIfma, SquaresAtTheEndsOfTheRange) {
  for (int round = 0; round < 5000; ++round) {
    const Elements f = round == 0 ? all(kTight) : within(kTight);
    const Elements result = ops_.square(f);
    expect_tight(result);
    for (std::size_t lane = 0; lane < f.size(); ++lane) ASSERT_TRUE(equal(result[lane], square(f[lane])));
  }
}

TEST_P(FieldIfma, DifferencesAtTheEndsOfTheRange) {
  for (int round = 0; round < 5000; ++round) {
    const Elements f = round < 2 ? all(round == 0 ? kMinuend : 0) : within(kMinuend);
    const Elements g = round < 2 ? all(round == 0 ? 0 : kSubtrahend) : within(kSubtrahend);
    const Elements result = ops_.carried_difference(f, g);
    expect_tight(result);
    for (std::size_t lane = 0; lane < f.size(); ++lane)
      ASSERT_TRUE(equal(result[lane], sub(carry(f[lane]), carry(g[lane]))));
  }
}

TEST_P(FieldIfma, ReducedIsTheOneReducedForm) {
  for (int round = 0; round < 5000; ++round) {
    Elements f = round == 0 ? all(kTight) : round == 1 ? all(kMask51) : within(kTight);
    if (round < 40)
      f[0] = {{kMask51 - 38 + static_cast<std::uint64_t>(round), kMask51, kMask51, kMask51, kMask51}};
    const Elements result = ops_.reduced(f);
    for (std::size_t lane = 0; lane < f.size(); ++lane) {
      const Field51 expected = field_from_bytes(field_to_bytes(f[lane]));
      for (int i = 0; i < 5; ++i) ASSERT_EQ(result[lane].limb[i], expected.limb[i]);
    }
  }
}

TEST_P(FieldIfma, PowersAreThePortableOnes) {
  for (int round = 0; round < 50; ++round) {
    const Elements f = within(kTight);
    const Elements power = ops_.power_p58(f);
    for (std::size_t lane = 0; lane < f.size(); ++lane) ASSERT_TRUE(equal(power[lane], power_p58(f[lane])));
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, FieldIfma, testing::Values(Width::four, Width::eight),
                         [](const auto& width) { return width.param == Width::four ? "Four" : "Eight"; });

}  // namespace
}  // namespace sovereign::crypto::ed25519
#endif
