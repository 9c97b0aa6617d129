// What a batch costs, counted in point operations, so that no clock is needed.
#include "crypto/ed25519/backend.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "crypto/ed25519/samples.h"

namespace sovereign::crypto::ed25519 {
namespace {

// Additions and doublings, about alike, that the portable backend does; Straus's method for sums of any size,
// as an upper bound.
std::size_t operations = 0;

ExtendedPoint counting_straus(std::span<const Term> terms) {
  bool full = false;
  for (const Term& term : terms) {
    const std::size_t bits = term.half ? 128 : 253;
    full = full || !term.half;
    operations += term.table != nullptr ? bits / (kTableWidth + 1) : 8 + bits / 6;
  }
  const bool all_tables = std::all_of(terms.begin(), terms.end(), [](const Term& t) { return t.table; });
  operations += full && !all_tables ? 253 : 128;
  return portable_backend().straus(terms);
}

const Backend& counting_backend() {
  static const Backend backend{"counting", portable_backend().decompress, counting_straus, counting_straus};
  return backend;
}

std::size_t cost_of_batch(const std::vector<SignedMessage>& items, const std::vector<bool>& expected) {
  operations = 0;
  EXPECT_EQ(verify_batch(items, BatchSeed{std::byte{9}}, counting_backend()), expected);
  return operations;
}

std::size_t cost_of_each(const std::vector<SignedMessage>& items) {
  operations = 0;
  for (const SignedMessage& item : items) verify(item, counting_backend());
  return operations;
}

TEST(Backend, BestAgreesWithThePortableOne) {
  EXPECT_TRUE(agrees_with_portable(best_backend()));
  for (const Backend* backend : available_backends())
    EXPECT_TRUE(agrees_with_portable(*backend)) << backend->name;
}

TEST(Backend, OneThatComputesSomethingElseIsFound) {
  Backend wrong = portable_backend();
  wrong.straus = [](std::span<const Term> terms) {
    return portable_backend().straus(terms.first(terms.size() - 1));
  };
  EXPECT_FALSE(agrees_with_portable(wrong));
  wrong = portable_backend();
  wrong.pippenger = [](std::span<const Term>) { return kIdentity; };
  EXPECT_FALSE(agrees_with_portable(wrong));
  wrong = portable_backend();
  wrong.decompress = [](std::span<const EncodedPoint> encodings, std::optional<AffinePoint>* out) {
    for (std::size_t i = 0; i < encodings.size(); ++i) out[i] = kBasePoint;
  };
  EXPECT_FALSE(agrees_with_portable(wrong));
}

// Sums of every size around where a backend changes its way, with and without tables, equal points and
// opposite ones, digits that are all zero and scalars at their ends, all against the portable Straus.
TEST(Backend, SumsOfEverySizeAreThePortableOnes) {
  std::mt19937_64 random(11);
  std::vector<AffinePoint> points;
  std::vector<std::unique_ptr<PointTable>> tables;
  while (points.size() < 24) {
    std::array<std::byte, 32> bytes;
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    if (const auto point = decompress(bytes)) points.push_back(*point);
  }
  for (const auto& encoding : small_order_encodings())
    if (const auto point = decompress(encoding)) points.push_back(*point);
  for (const AffinePoint& point : points) tables.push_back(std::make_unique<PointTable>(point));

  std::vector<Term> terms;
  for (std::size_t size = 1; size <= 40; ++size) {
    terms.clear();
    for (std::size_t i = 0; i < size; ++i) {
      std::array<std::byte, 64> wide;
      for (auto& byte : wide) byte = static_cast<std::byte>(random());
      Scalar scalar = scalar_from_wide(wide);
      if (random() % 6 == 0) scalar = {};
      if (random() % 6 == 0) scalar = {{random() % 2, 0, 0, 0}};
      if (random() % 6 == 0) scalar = negate(scalar);
      const bool half = random() % 2 == 0;
      if (half) scalar.word[2] = scalar.word[3] = 0;
      if (half && random() % 4 == 0) scalar.word[0] = scalar.word[1] = ~std::uint64_t{0};
      const std::size_t which = random() % points.size();
      terms.push_back({scalar, &points[which], random() % 4 == 0 ? tables[which].get() : nullptr, half});
    }
    const auto expected = compress(portable_backend().straus(terms));
    for (const Backend* backend : available_backends())
      EXPECT_EQ(compress(backend->straus(terms)), expected) << backend->name << ", " << size << " terms";
  }
}

// One bad signature, wherever it stands: at most twice the cost of verifying each alone, search included.
TEST(Batch, SearchForOneBadSignatureCostsAtMostTwiceOneByOne) {
  for (const std::size_t size : {2U, 3U, 5U, 8U, 17U, 64U, 130U}) {
    std::vector<Sample> samples;
    for (std::size_t i = 0; i < size; ++i) samples.push_back(honest(i, "m" + std::to_string(i)));
    for (std::size_t bad = 0; bad < size; bad += size < 20 ? 1 : size / 5) {
      std::vector<SignedMessage> items;
      for (const Sample& sample : samples) items.push_back(sample.item());
      Sample forged = samples[bad];
      forged.signature[33] ^= std::byte{1};
      items[bad] = forged.item();
      std::vector<bool> expected(size, true);
      expected[bad] = false;
      EXPECT_LE(cost_of_batch(items, expected), 2 * cost_of_each(items)) << bad << " of " << size;
    }
  }
}

// However many are bad, a batch ends: what it costs is bounded too.
TEST(Batch, SearchIsGivenUpWhenManyAreBad) {
  std::vector<Sample> samples;
  std::vector<SignedMessage> items;
  for (std::size_t i = 0; i < 64; ++i) {
    samples.push_back(honest(i, "m"));
    samples.back().signature[40] ^= std::byte{2};
  }
  for (const Sample& sample : samples) items.push_back(sample.item());
  EXPECT_LE(cost_of_batch(items, std::vector<bool>(64, false)), 3 * cost_of_each(items));
}

TEST(Batch, GoodOnesCostLessThanOneByOne) {
  for (const std::size_t size : {2U, 8U, 64U}) {
    std::vector<Sample> samples;
    std::vector<SignedMessage> items;
    for (std::size_t i = 0; i < size; ++i) samples.push_back(honest(i, "m"));
    for (const Sample& sample : samples) items.push_back(sample.item());
    EXPECT_LT(cost_of_batch(items, std::vector<bool>(size, true)), cost_of_each(items)) << size;
  }
}

}  // namespace
}  // namespace sovereign::crypto::ed25519
