#include "crypto/ed25519/verifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "crypto/ed25519/samples.h"

namespace sovereign::crypto::ed25519 {
namespace {

std::vector<SignedMessage> items_of(const std::vector<Sample>& samples) {
  std::vector<SignedMessage> items;
  for (const Sample& sample : samples) items.push_back(sample.item());
  return items;
}

std::vector<bool> expected_of(const std::vector<Sample>& samples) {
  std::vector<bool> expected;
  for (const Sample& sample : samples) expected.push_back(sample.good);
  return expected;
}

std::vector<Sample> honest_samples(int count, std::uint64_t first_signer = 1) {
  std::vector<Sample> samples;
  for (int i = 0; i < count; ++i)
    samples.push_back(honest(first_signer + static_cast<std::uint64_t>(i), "message " + std::to_string(i)));
  return samples;
}

class Ed25519 : public testing::TestWithParam<const Backend*> {
 protected:
  const Backend& backend() const { return *GetParam(); }
  bool verifies(const Sample& sample) const { return verify(sample.item(), backend()); }
};

// RFC 8032, section 7.1: secret key, public key, message, signature.
TEST_P(Ed25519, VectorsOfRfc8032) {
  const char* vectors[][3] = {
      {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
       "d25bf5f0595bbe24655141438e7a100b"},
      {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
       "387b2eaeb4302aeeb00d291612bb0c00"},
      {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
       "4a7c15e9716ed28dc027beceea1ec40a"},
      {"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
       "454d4423643ce80e2a9ac94fa54ca49f",
       "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
       "3dca179c138ac17ad9bef1177331a704"},
  };
  for (const auto& [key, message, signature] : vectors) {
    Sample sample{bytes_from_hex(message), array_from<32>(bytes_from_hex(key)),
                  array_from<64>(bytes_from_hex(signature)), true, ""};
    EXPECT_TRUE(verifies(sample));
    sample.message += "x";
    EXPECT_FALSE(verifies(sample));
  }
}

TEST_P(Ed25519, AgreesWithLibsodiumOnHonestSignaturesAndFlippedBits) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200; ++i) {
    Sample sample = honest(random(), std::string(random() % 300, 'm'));
    EXPECT_TRUE(verifies(sample));
    const std::size_t bit = random() % 512;
    sample.signature[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    const bool libsodium = crypto_sign_verify_detached(raw(sample.signature.data()), raw(sample.message),
                                                       sample.message.size(), raw(sample.key.data())) == 0;
    EXPECT_EQ(verifies(sample), libsodium);
    EXPECT_FALSE(libsodium);
  }
}

TEST_P(Ed25519, RefusesSOfTheOrderAndMore) {
  Sample sample = honest(7, "s");
  // s + L, which satisfies the equation just as well.
  const std::string order =
      bytes_from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  int carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += std::to_integer<int>(sample.signature[32 + i]) + static_cast<unsigned char>(order[i]);
    sample.signature[32 + i] = static_cast<std::byte>(carry & 0xFF);
    carry >>= 8;
  }
  EXPECT_FALSE(verifies(sample));
}

TEST_P(Ed25519, BatchesOfEverySizeAgreeWithTheTruth) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  // 110: where sums of so many points go from one method to the other.
  for (const int size : {0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 100, 109, 110, 111, 220, 400}) {
    for (const int bad : {0, 1, 2, size / 2, size}) {
      if (bad > size) continue;
      std::vector<Sample> samples = honest_samples(size);
      for (int i = 0; i < bad; ++i) {
        Sample& sample = samples[random() % samples.size()];
        sample.message += "altered";
        sample.good = false;
      }
      EXPECT_EQ(verify_batch(items_of(samples), random_seed(random), backend()), expected_of(samples))
          << size << " signatures, " << bad << " bad";
    }
  }
}

TEST_P(Ed25519, KeysThatRepeatAndKeysWithTables) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<Sample> samples;
  for (int i = 0; i < 60; ++i)
    samples.push_back(honest(static_cast<std::uint64_t>(i % 7), "m" + std::to_string(i)));
  std::vector<PublicKeyTable> tables;
  for (int i = 0; i < 4; ++i)
    tables.push_back(*PublicKeyTable::from(samples[static_cast<std::size_t>(i)].key));
  for (int round = 0; round < 4; ++round) {
    auto items = items_of(samples);
    for (std::size_t i = 0; i < items.size(); ++i)
      if (i % 7 < 4 && (random() & 1) != 0) items[i].table = &tables[i % 7];
    EXPECT_EQ(verify_batch(items, random_seed(random), backend()), expected_of(samples));
    for (std::size_t i = 0; i < items.size(); ++i) EXPECT_EQ(verify(items[i], backend()), samples[i].good);
    Sample& sample = samples[random() % samples.size()];
    sample.signature[3] ^= std::byte{4};
    sample.good = !sample.good;  // chosen twice, it is whole again
  }
}

TEST_P(Ed25519, KeysAndSignaturesThatAreNoPoints) {
  std::mt19937_64 random(1);
  std::vector<Sample> samples = honest_samples(6);
  std::array<std::byte, 32> not_a_point{std::byte{2}};
  ASSERT_FALSE(decompress(not_a_point));
  samples[1].key = not_a_point;
  samples[1].good = false;
  std::copy(not_a_point.begin(), not_a_point.end(), samples[4].signature.begin());
  samples[4].good = false;
  EXPECT_FALSE(PublicKeyTable::from(not_a_point));
  EXPECT_FALSE(verifies(samples[1]));
  EXPECT_FALSE(verifies(samples[4]));
  EXPECT_EQ(verify_batch(items_of(samples), random_seed(random), backend()), expected_of(samples));
}

// The weights come from the seed and the signatures, so a batch has one verdict per seed; and whatever the
// seed, a seed of zeros included, errors that cancel each other out under equal weights are found.
TEST_P(Ed25519, ErrorsThatCancelAreFound) {
  std::vector<Sample> samples = honest_samples(4);
  const auto shift_s = [](Sample& sample, bool up) {
    const auto s = scalar_from_canonical(std::span<const std::byte, 32>(sample.signature.data() + 32, 32));
    const Scalar one{{1, 0, 0, 0}};
    const Scalar shifted = add(*s, up ? one : negate(one));
    std::memcpy(sample.signature.data() + 32, shifted.word, 32);
    sample.good = false;
  };
  shift_s(samples[0], true);
  shift_s(samples[2], false);
  EXPECT_EQ(verify_batch(items_of(samples), BatchSeed{}, backend()), expected_of(samples));
}

TEST_P(Ed25519, SumsAgreeBetweenMethodsAndBackends) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto small_order = small_order_encodings();
  std::vector<AffinePoint> points;
  for (const auto& encoding : small_order) points.push_back(*decompress(encoding));
  while (points.size() < 330) {
    std::array<std::byte, 32> bytes;
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    if (const auto point = decompress(bytes)) points.push_back(*point);
  }
  const PointTable table(points[50]);
  for (const std::size_t count : {std::size_t{1}, std::size_t{14}, std::size_t{60}, points.size()}) {
    std::vector<Term> terms;
    for (std::size_t i = 0; i < count; ++i) {
      Scalar scalar{{random(), random(), random(), random() >> 4}};
      const bool half = i % 3 == 0;
      if (half) scalar.word[2] = scalar.word[3] = 0;
      if (i % 10 == 9) scalar = {};
      if (i % 10 == 8) scalar = negate(Scalar{{1, 0, 0, 0}});
      terms.push_back({scalar, &points[i], i == 50 ? &table : nullptr, half && i % 10 != 8});
    }
    // By the definition: double and add.
    ExtendedPoint expected = kIdentity;
    for (const Term& term : terms) {
      ExtendedPoint product = kIdentity;
      for (int bit = 255; bit >= 0; --bit) {
        product = double_point(product);
        if ((term.scalar.word[bit / 64] >> (bit % 64) & 1) != 0)
          product = add(product, to_cached(*term.point), false);
      }
      expected = add(expected, to_cached(product), false);
    }
    EXPECT_EQ(compress(backend().straus(terms)), compress(expected)) << count;
    if (backend().pippenger != nullptr) {
      EXPECT_EQ(compress(backend().pippenger(terms)), compress(expected)) << count;
    }
    EXPECT_EQ(compress(sum_of(backend(), terms)), compress(expected)) << count;
  }
}

// One number of terms for each window that Pippenger's method has, from 4 bits to 14, against the same sum
// with the scalars of each point added up first. Points of prime order, since those sums are modulo L.
TEST_P(Ed25519, LargeSumsAgreeWhateverTheWindow) {
  if (backend().pippenger == nullptr) GTEST_SKIP() << "this backend has another method for many terms";
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<AffinePoint> points;
  while (points.size() < 5) {
    std::array<std::byte, 32> bytes;
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    if (const auto point = decompress(bytes))
      points.push_back(*decompress(compress(double_times(to_extended(*point), 3))));
  }
  for (const std::size_t count : {50, 120, 300, 700, 1'700, 4'000, 9'000, 20'000, 45'000, 100'000, 200'000}) {
    std::vector<Term> terms;
    terms.reserve(count);
    std::vector<Term> summed;
    for (const AffinePoint& point : points) summed.push_back({{}, &point, nullptr, false});
    for (std::size_t i = 0; i < count; ++i) {
      std::array<std::byte, 64> wide;
      for (auto& byte : wide) byte = static_cast<std::byte>(random());
      Scalar scalar = scalar_from_wide(wide);
      const bool half = i % 2 == 0;
      if (half) scalar.word[2] = scalar.word[3] = 0;
      // Digits at the ends of their range: all ones carry through every window.
      if (i % 16 == 4) scalar = {{~std::uint64_t{0}, ~std::uint64_t{0}, 0, 0}};
      if (i % 16 == 5) scalar = negate(Scalar{{1 + i % 3, 0, 0, 0}});
      const std::size_t which = random() % points.size();
      terms.push_back({scalar, &points[which], nullptr, half});
      summed[which].scalar = add(summed[which].scalar, scalar);
    }
    ASSERT_EQ(compress(backend().pippenger(terms)), compress(portable_backend().straus(summed))) << count;
  }
}

TEST_P(Ed25519, ABatchOfThousandsAgreesWithTheTruth) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<Sample> samples = honest_samples(5'000);
  EXPECT_EQ(verify_batch(items_of(samples), random_seed(random), backend()), expected_of(samples));
  for (int i = 0; i < 3; ++i) {
    Sample& sample = samples[random() % samples.size()];
    sample.message += "altered";
    sample.good = false;
  }
  EXPECT_EQ(verify_batch(items_of(samples), random_seed(random), backend()), expected_of(samples));
}

TEST_P(Ed25519, DecodingAgreesWithThePortableOne) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<std::array<std::byte, 32>> encodings = small_order_encodings();
  for (int i = 0; i < 40; ++i) {  // y around p and around 2^255
    std::array<std::byte, 32> bytes;
    bytes.fill(std::byte{0xFF});
    bytes[0] = static_cast<std::byte>(0xFF - i);
    if (i % 2 == 0) bytes[31] = std::byte{0x7F};
    encodings.push_back(bytes);
  }
  for (int i = 0; i < 2001; ++i) {
    std::array<std::byte, 32> bytes;
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    encodings.push_back(bytes);
  }
  std::vector<EncodedPoint> pointers;
  for (const auto& encoding : encodings) pointers.push_back(encoding.data());
  std::vector<std::optional<AffinePoint>> points(encodings.size());
  backend().decompress(pointers, points.data());
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    const auto expected = decompress(encodings[i]);
    ASSERT_EQ(points[i].has_value(), expected.has_value()) << i;
    if (!expected) continue;
    EXPECT_TRUE(equal(points[i]->x, expected->x) && equal(points[i]->y, expected->y) &&
                equal(points[i]->t, expected->t))
        << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Ed25519, testing::ValuesIn(available_backends()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace sovereign::crypto::ed25519
