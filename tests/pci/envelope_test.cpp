#include "pci/envelope.h"

#include <gtest/gtest.h>

#include "envelope_samples.h"
#include "pci/hex.h"

namespace sovereign::pci {
namespace {

TEST(Envelope, ReadsWhatWasSealed) {
  EnvelopeFields fields = good_fields();
  fields.scores[3] = kScoreUnmeasured;
  const std::string bytes = seal_envelope(fields, alice()).value();
  EXPECT_EQ(bytes.size(), kEnvelopeHeaderBytes + fields.payload.size() + kSignatureBytes);
  const auto envelope = EnvelopeView::read(bytes);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->kind(), PayloadKind::query);
  EXPECT_EQ(envelope->sender(), "alice");
  EXPECT_EQ(envelope->public_key(), alice().public_key());
  EXPECT_EQ(envelope->nonce(), fields.nonce);
  EXPECT_EQ(envelope->timestamp_ms(), kNowMs);
  EXPECT_EQ(envelope->policy(), fields.policy);
  EXPECT_EQ(envelope->scores(), fields.scores);
  EXPECT_EQ(envelope->payload(), fields.payload);
}

// The layout of docs/proof.md, byte by byte, with a key and fields that are known.
TEST(Envelope, HasTheDocumentedBytes) {
  std::array<std::byte, 32> seed{};
  const auto key = crypto::SigningKey::from_seed(seed).value();
  EnvelopeFields fields = good_fields();
  fields.nonce = {};
  fields.payload = "{}";
  const std::string bytes = seal_envelope(fields, key).value();
  EXPECT_EQ(hex_of(std::as_bytes(std::span(bytes).first(16))),
            "736f76656e76310a"
            "02000000"
            "0100"
            "0000");
  EXPECT_EQ(bytes.substr(16, 32), std::string("alice") + std::string(27, '\0'));
  EXPECT_EQ(hex_of(std::as_bytes(std::span(bytes).subspan(48, 32))),
            "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29");  // RFC 8032's key of zeros
  EXPECT_EQ(hex_of(std::as_bytes(std::span(bytes).subspan(96, 8))), "00505c18a3010000");
  EXPECT_EQ(hex_of(std::as_bytes(std::span(bytes).subspan(136, 4))), "e425e425");
  EXPECT_EQ(bytes.substr(152, 2), "{}");
  // Signed: SHA-256 of the domain's prefix and all before the signature.
  const crypto::Digest digest =
      sha256(std::string("sovereign/envelope/v1") + '\0' + bytes.substr(0, bytes.size() - 64));
  const std::string_view message(reinterpret_cast<const char*>(digest.data()), digest.size());
  const auto envelope = EnvelopeView::read(bytes);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->digest(), digest);
  EXPECT_TRUE(crypto::ed25519::verify({message, &key.public_key(), &envelope->signature()}));
}

TEST(Envelope, AnyOtherFormIsRefused) {
  const std::string good = good_envelope();
  const auto with = [&good](std::size_t at, std::string_view bytes) {
    return std::string(good).replace(at, bytes.size(), bytes);
  };
  using namespace std::string_view_literals;
  EXPECT_FALSE(EnvelopeView::read(""));
  for (std::size_t size = 0; size < good.size(); ++size)
    ASSERT_FALSE(EnvelopeView::read(std::string_view(good).substr(0, size)));
  EXPECT_FALSE(EnvelopeView::read(good + '\0'));
  EXPECT_FALSE(EnvelopeView::read(with(0, "sovenv2\n")));
  EXPECT_FALSE(EnvelopeView::read(with(8, "\xff\xff\xff\xff"sv)));
  EXPECT_FALSE(EnvelopeView::read(with(12, "\0\0"sv)));       // no such kind
  EXPECT_FALSE(EnvelopeView::read(with(12, "\4\0"sv)));       // nor this
  EXPECT_FALSE(EnvelopeView::read(with(14, "\0\1"sv)));       // must be zero
  EXPECT_FALSE(EnvelopeView::read(with(16, "\0"sv)));         // no name
  EXPECT_FALSE(EnvelopeView::read(with(16, "Alice"sv)));      // not in the alphabet
  EXPECT_FALSE(EnvelopeView::read(with(30, "x"sv)));          // after the zeros
  EXPECT_FALSE(EnvelopeView::read(with(102, "\x20\0"sv)));    // 2^53 ms
  EXPECT_FALSE(EnvelopeView::read(with(136, "\x11\x27"sv)));  // 10,001
  EXPECT_TRUE(EnvelopeView::read(with(136, "\xff\xff"sv)));   // unmeasured
  EXPECT_TRUE(EnvelopeView::read(with(136, "\x10\x27"sv)));   // 10,000
  EXPECT_TRUE(EnvelopeView::read(with(16, std::string(32, 'a'))));
}

TEST(Envelope, SealRefusesWhatReadWould) {
  const auto refused = [](auto change) {
    EnvelopeFields fields = good_fields();
    change(fields);
    const auto sealed = seal_envelope(fields, alice());
    return !sealed && sealed.error().code == ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(refused([](EnvelopeFields& f) { f.sender = ""; }));
  EXPECT_TRUE(refused([](EnvelopeFields& f) { f.sender = "012345678901234567890123456789012"; }));
  EXPECT_TRUE(refused([](EnvelopeFields& f) { f.sender = "a b"; }));
  EXPECT_TRUE(refused([](EnvelopeFields& f) { f.timestamp_ms = kTimestampEndMs; }));
  EXPECT_TRUE(refused([](EnvelopeFields& f) { f.kind = static_cast<PayloadKind>(9); }));
  EXPECT_TRUE(refused([](EnvelopeFields& f) { f.scores[7] = 10'001; }));
  const std::string large(kMostPayloadBytes + 1, 'x');
  EXPECT_TRUE(refused([&](EnvelopeFields& f) { f.payload = large; }));
  EnvelopeFields fields = good_fields();
  fields.payload = std::string_view(large).substr(1);
  const auto largest = seal_envelope(fields, alice());
  ASSERT_TRUE(largest);
  EXPECT_TRUE(EnvelopeView::read(*largest));
}

TEST(Envelope, ScoresAreRoundedDownAndKeepTheDecimalsThatWereMeant) {
  omega::IhsanVector vector;
  for (int i = 0; i <= 10'000; ++i) {
    ASSERT_TRUE(vector.set(omega::Dimension::truthfulness, i / 10'000.0));
    ASSERT_EQ(to_scores(vector)[0], i);
  }
  ASSERT_TRUE(vector.set(omega::Dimension::truthfulness, 0.94999));
  EXPECT_EQ(to_scores(vector)[0], 9'499);
  EXPECT_EQ(to_scores(vector)[1], kScoreUnmeasured);
}

}  // namespace
}  // namespace sovereign::pci
