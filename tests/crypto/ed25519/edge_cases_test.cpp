// One verdict for every input, whatever the batch, its weights and the path: ZIP-215.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "crypto/ed25519/samples.h"
#include "crypto/json_document.h"
#include "crypto/vectors.h"

namespace sovereign::crypto::ed25519 {
namespace {

constexpr int kRoundsPerCase = 1000;

// A vector file; the document refers to the text.
class VectorFile {
 public:
  explicit VectorFile(const char* name)
      : text_(read_file(vectors_folder() / "ed25519" / name)), document_(JsonDocument::parse(text_)) {}
  VectorFile(const VectorFile&) = delete;
  VectorFile& operator=(const VectorFile&) = delete;

  JsonView root() const { return document_.value().root(); }

 private:
  std::string text_;
  result<JsonDocument> document_;
};

JsonView field(const JsonView& object, const char* name) { return object.find(name).value(); }

std::string hex_field(const JsonView& object, const char* name) {
  return bytes_from_hex(field(object, name).string());
}

Sample sample_of(std::string message, std::string_view key, std::string_view signature, bool good,
                 std::string name) {
  return {std::move(message), array_from<32>(key), array_from<64>(signature), good, std::move(name)};
}

// All pairs of small-order encodings as (A, R) with s = 0: ZIP-215 accepts every one.
std::vector<Sample> small_order_pairs() {
  std::vector<Sample> samples;
  const auto encodings = small_order_encodings();
  for (std::size_t a = 0; a < encodings.size(); ++a) {
    for (std::size_t r = 0; r < encodings.size(); ++r) {
      Sample sample{
          "Zcash", encodings[a], {}, true, "small order " + std::to_string(a) + "," + std::to_string(r)};
      std::copy(encodings[r].begin(), encodings[r].end(), sample.signature.begin());
      samples.push_back(sample);
    }
  }
  return samples;
}

// 'Taming the many EdDSAs', table 5. Cases 6 to 8 have s >= L or are of the kind that the cofactored equation
// refuses; the verdicts of ZIP-215 as the ed25519-speccheck README gives them.
std::vector<Sample> speccheck_samples() {
  constexpr bool verdicts[] = {true, true, true, true, true, true, false, false, false, true, true, true};
  std::vector<Sample> samples;
  std::size_t i = 0;
  const VectorFile file("speccheck_cases.json");
  for (const JsonView& entry : file.root().elements()) {
    samples.push_back(sample_of(hex_field(entry, "message"), hex_field(entry, "pub_key"),
                                hex_field(entry, "signature"), verdicts[i],
                                "speccheck " + std::to_string(i)));
    ++i;
  }
  return samples;
}

// Vectors flagged reencoded_k are signed over the canonical encodings of A and R instead of those given: only
// a verifier that re-encodes before it hashes accepts them, and ZIP-215 does not, unless A is of small order,
// for which [8][k]A is the identity whatever k is. ZIP-215 accepts all others.
std::vector<Sample> cctv_samples() {
  std::vector<Sample> samples;
  const VectorFile file("cctv_ed25519vectors.json");
  for (const JsonView& entry : file.root().elements()) {
    bool reencoded = false;
    bool small_key = false;
    const JsonView flags = field(entry, "flags");  // null when there are none
    if (flags.kind() == JsonKind::array)
      for (const JsonView& flag : flags.elements()) {
        reencoded |= flag.string() == "reencoded_k";
        small_key |= flag.string() == "low_order_A";
      }
    samples.push_back(sample_of(std::string(field(entry, "msg").string()), hex_field(entry, "key"),
                                hex_field(entry, "sig"), small_key || !reencoded,
                                "cctv " + std::to_string(static_cast<int>(field(entry, "number").number()))));
  }
  return samples;
}

// Wycheproof's signatures of 64 bytes; the others cannot be said in our types. Its verdicts are RFC 8032's.
// One differs: in case 151, R is (0, 1) with the sign bit set, which ZIP-215 decodes.
std::vector<Sample> wycheproof_samples() {
  std::vector<Sample> samples;
  const VectorFile file("wycheproof_ed25519_test.json");
  for (const JsonView& group : field(file.root(), "testGroups").elements()) {
    const std::string key = hex_field(field(group, "publicKey"), "pk");
    for (const JsonView& test : field(group, "tests").elements()) {
      const std::string signature = hex_field(test, "sig");
      if (signature.size() != 64) {
        EXPECT_EQ(field(test, "result").string(), "invalid");
        continue;
      }
      const int id = static_cast<int>(field(test, "tcId").number());
      const bool good = id == 151 || field(test, "result").string() == "valid";
      samples.push_back(
          sample_of(hex_field(test, "msg"), key, signature, good, "wycheproof " + std::to_string(id)));
    }
  }
  return samples;
}

// Of every key that is a point, those of small order among them.
class Tables {
 public:
  void add(const std::vector<Sample>& samples) {
    for (const Sample& sample : samples)
      if (!tables_.contains(sample.key)) tables_.emplace(sample.key, PublicKeyTable::from(sample.key));
  }
  SignedMessage with_table(const Sample& sample) const {
    SignedMessage item = sample.item();
    if (const auto& table = tables_.at(sample.key)) item.table = &*table;
    return item;
  }

 private:
  std::map<PublicKey, std::optional<PublicKeyTable>> tables_;
};

void expect_verdicts(const std::vector<Sample>& samples, const Tables& tables) {
  for (const Backend* backend : available_backends())
    for (const Sample& sample : samples) {
      EXPECT_EQ(verify(sample.item(), *backend), sample.good) << sample.name << " on " << backend->name;
      EXPECT_EQ(verify(tables.with_table(sample), *backend), sample.good)
          << sample.name << " with a table on " << backend->name;
    }
}

// Each sample alone, then so many times in batches mixed at random with the others and with honest
// signatures, with tables of some keys and under other weights each time, on every backend in turn.
void expect_same_verdict_in_batches(const std::vector<Sample>& samples) {
  Tables tables;
  tables.add(samples);
  expect_verdicts(samples, tables);
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<Sample> fillers;
  for (std::uint64_t i = 0; i < 40; ++i) fillers.push_back(honest(i, "filler"));
  tables.add(fillers);
  const auto backends = available_backends();
  // The paths take turns; where time is no matter, each has all the rounds.
  const bool long_tests = std::getenv("SOVEREIGN_LONG_TESTS") != nullptr;
  const int rounds = kRoundsPerCase * (long_tests ? static_cast<int>(backends.size()) : 1);

  std::vector<const Sample*> good, bad;
  for (const Sample& sample : samples) (sample.good ? good : bad).push_back(&sample);
  const auto run = [&](std::vector<const Sample*> chosen, int round) {
    std::shuffle(chosen.begin(), chosen.end(), random);
    std::vector<SignedMessage> items;
    std::vector<bool> expected;
    for (const Sample* sample : chosen) {
      items.push_back(random() % 2 == 0 ? tables.with_table(*sample) : sample->item());
      expected.push_back(sample->good);
    }
    const Backend& backend = *backends[static_cast<std::size_t>(round) % backends.size()];
    ASSERT_EQ(verify_batch(items, random_seed(random), backend), expected)
        << "round " << round << ", " << backend.name;
  };
  for (int round = 0; round < rounds; ++round) {
    // All good ones in few batches; now and then bad ones among them, so that the search runs too.
    for (std::size_t begin = 0; begin < good.size(); begin += 250) {
      const auto first = good.begin() + static_cast<std::ptrdiff_t>(begin);
      std::vector<const Sample*> chosen(
          first, first + static_cast<std::ptrdiff_t>(std::min<std::size_t>(250, good.size() - begin)));
      for (std::size_t i = 0; i < 3; ++i) chosen.push_back(&fillers[random() % fillers.size()]);
      if (!bad.empty() && round % 10 == 0) chosen.push_back(bad[random() % bad.size()]);
      run(std::move(chosen), round);
    }
    for (const Sample* sample : bad) {
      run({sample, &fillers[random() % fillers.size()], &fillers[random() % fillers.size()]}, round);
    }
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Ed25519EdgeCases, ThereAreFourteenSmallOrderEncodings) {
  const auto encodings = small_order_encodings();
  EXPECT_EQ(encodings.size(), 14U);
  for (const auto& encoding : encodings) {
    const auto point = decompress(encoding);
    ASSERT_TRUE(point);
    EXPECT_TRUE(is_identity(double_times(to_extended(*point), 3)));
  }
}

TEST(Ed25519EdgeCases, SmallOrderPairs) { expect_same_verdict_in_batches(small_order_pairs()); }

TEST(Ed25519EdgeCases, Speccheck) {
  SOVEREIGN_NEEDS_VECTORS("ed25519/speccheck_cases.json");
  const auto samples = speccheck_samples();
  EXPECT_EQ(samples.size(), 12U);
  expect_same_verdict_in_batches(samples);
}

// In parts, so that none takes minutes under a sanitizer.
std::vector<Sample> part_of(const std::vector<Sample>& samples, std::size_t first, std::size_t parts) {
  std::vector<Sample> part;
  for (std::size_t i = first; i < samples.size(); i += parts) part.push_back(samples[i]);
  return part;
}

constexpr std::size_t kCctvParts = 8;

class Ed25519CctvCases : public testing::TestWithParam<std::size_t> {};

TEST_P(Ed25519CctvCases, HaveOneVerdict) {
  SOVEREIGN_NEEDS_VECTORS("ed25519/cctv_ed25519vectors.json");
  const auto samples = cctv_samples();
  ASSERT_EQ(samples.size(), 914U);
  expect_same_verdict_in_batches(part_of(samples, GetParam(), kCctvParts));
}

INSTANTIATE_TEST_SUITE_P(Parts, Ed25519CctvCases, testing::Range(std::size_t{0}, kCctvParts));

constexpr std::size_t kWycheproofParts = 2;

class Ed25519WycheproofCases : public testing::TestWithParam<std::size_t> {};

TEST_P(Ed25519WycheproofCases, HaveOneVerdict) {
  SOVEREIGN_NEEDS_VECTORS("ed25519/wycheproof_ed25519_test.json");
  const auto samples = wycheproof_samples();
  EXPECT_GT(samples.size(), 100U);
  expect_same_verdict_in_batches(part_of(samples, GetParam(), kWycheproofParts));
}

INSTANTIATE_TEST_SUITE_P(Parts, Ed25519WycheproofCases, testing::Range(std::size_t{0}, kWycheproofParts));

}  // namespace
}  // namespace sovereign::crypto::ed25519
