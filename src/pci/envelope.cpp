#include "pci/envelope.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

namespace sovereign::pci {
namespace {

constexpr std::string_view kMagic = "sovenv1\n";
constexpr std::size_t kPayloadSizeAt = 8;
constexpr std::size_t kKindAt = 12;
constexpr std::size_t kZeroAt = 14;
constexpr std::size_t kSenderAt = 16;
constexpr std::size_t kPublicKeyAt = 48;
constexpr std::size_t kNonceAt = 80;
constexpr std::size_t kTimestampAt = 96;
constexpr std::size_t kPolicyAt = 104;
constexpr std::size_t kScoresAt = 136;
static_assert(kScoresAt + sizeof(Scores) == kEnvelopeHeaderBytes);
static_assert(std::endian::native == std::endian::little, "integers are read as they lie");

template <class Integer>
Integer integer_at(std::string_view bytes, std::size_t offset) noexcept {
  Integer value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <class Integer>
void put_integer(std::string& bytes, std::size_t offset, Integer value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

// Arrays of bytes may be seen in place: their alignment is one.
template <class Bytes>
const Bytes& bytes_at(std::string_view bytes, std::size_t offset) noexcept {
  static_assert(alignof(Bytes) == 1);
  return *reinterpret_cast<const Bytes*>(bytes.data() + offset);
}

bool is_sender_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

std::size_t sender_size(std::string_view field) noexcept {
  std::size_t size = 0;
  while (size < field.size() && is_sender_character(field[size])) ++size;
  return size;
}

bool is_sender_field(std::string_view field) noexcept {
  const std::size_t size = sender_size(field);
  return size > 0 && std::all_of(field.begin() + static_cast<std::ptrdiff_t>(size), field.end(),
                                 [](char c) { return c == '\0'; });
}

bool is_kind(std::uint16_t kind) noexcept {
  return kind >= static_cast<std::uint16_t>(PayloadKind::query) &&
         kind <= static_cast<std::uint16_t>(PayloadKind::consensus);
}

bool are_scores(const Scores& scores) noexcept {
  return std::all_of(scores.begin(), scores.end(),
                     [](std::uint16_t s) { return s <= kScoreOne || s == kScoreUnmeasured; });
}

}  // namespace

Scores to_scores(const omega::IhsanVector& vector) {
  Scores scores = kNoScores;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double value = vector.values()[i];
    if (!omega::is_measured(value)) continue;
    auto score = static_cast<std::uint16_t>(value * kScoreOne);
    // The product of 0.95 and 10,000 may lie a hair below 9,500: the decimal that was meant is kept.
    if (score < kScoreOne && (score + 1) / double{kScoreOne} <= value) ++score;
    scores[i] = score;
  }
  return scores;
}

std::optional<EnvelopeView> EnvelopeView::read(std::string_view bytes) noexcept {
  if (bytes.size() < kEnvelopeHeaderBytes + kSignatureBytes || !bytes.starts_with(kMagic)) return {};
  const auto payload_bytes = integer_at<std::uint32_t>(bytes, kPayloadSizeAt);
  if (payload_bytes > kMostPayloadBytes ||
      bytes.size() != kEnvelopeHeaderBytes + payload_bytes + kSignatureBytes)
    return {};
  const EnvelopeView view(bytes);
  const bool good = is_kind(integer_at<std::uint16_t>(bytes, kKindAt)) &&
                    integer_at<std::uint16_t>(bytes, kZeroAt) == 0 &&
                    is_sender_field(bytes.substr(kSenderAt, kMostSenderBytes)) &&
                    view.timestamp_ms() < kTimestampEndMs && are_scores(view.scores());
  if (!good) return {};
  return view;
}

PayloadKind EnvelopeView::kind() const noexcept {
  return static_cast<PayloadKind>(integer_at<std::uint16_t>(bytes_, kKindAt));
}
std::string_view EnvelopeView::sender() const noexcept {
  const std::string_view field = bytes_.substr(kSenderAt, kMostSenderBytes);
  return field.substr(0, sender_size(field));
}
const crypto::PublicKey& EnvelopeView::public_key() const noexcept {
  return bytes_at<crypto::PublicKey>(bytes_, kPublicKeyAt);
}
const Nonce& EnvelopeView::nonce() const noexcept { return bytes_at<Nonce>(bytes_, kNonceAt); }
std::uint64_t EnvelopeView::timestamp_ms() const noexcept {
  return integer_at<std::uint64_t>(bytes_, kTimestampAt);
}
const crypto::Digest& EnvelopeView::policy() const noexcept {
  return bytes_at<crypto::Digest>(bytes_, kPolicyAt);
}
Scores EnvelopeView::scores() const noexcept { return integer_at<Scores>(bytes_, kScoresAt); }
std::string_view EnvelopeView::payload() const noexcept {
  return bytes_.substr(kEnvelopeHeaderBytes, bytes_.size() - kEnvelopeHeaderBytes - kSignatureBytes);
}
const crypto::Signature& EnvelopeView::signature() const noexcept {
  return bytes_at<crypto::Signature>(bytes_, bytes_.size() - kSignatureBytes);
}

crypto::Digest EnvelopeView::digest() const noexcept {
  return crypto::digest_of(kEnvelopeDomain, bytes_.substr(0, bytes_.size() - kSignatureBytes));
}

Nonce random_nonce() {
  Nonce nonce;
  randombytes_buf(nonce.data(), nonce.size());
  return nonce;
}

result<std::string> seal_envelope(const EnvelopeFields& fields, const crypto::SigningKey& key) {
  const auto wrong = [](std::string_view field, std::string_view what) {
    return fail(ErrorCode::invalid_argument, fmt::format("an envelope's {} {}", field, what),
                std::string(field));
  };
  if (fields.sender.empty() || fields.sender.size() > kMostSenderBytes ||
      !std::all_of(fields.sender.begin(), fields.sender.end(), is_sender_character))
    return wrong("sender", "is 1 to 32 of a-z 0-9 . _ -");
  if (fields.payload.size() > kMostPayloadBytes) return wrong("payload", "has at most 1 MiB");
  if (fields.timestamp_ms >= kTimestampEndMs) return wrong("timestamp", "is under 2^53");
  if (!is_kind(static_cast<std::uint16_t>(fields.kind))) return wrong("kind", "is unknown");
  if (!are_scores(fields.scores)) return wrong("scores", "are at most 10000, or 65535 for unmeasured");

  std::string bytes(kEnvelopeHeaderBytes, '\0');
  const auto put = [&bytes](std::size_t offset, const void* from, std::size_t size) {
    std::memcpy(bytes.data() + offset, from, size);
  };
  put(0, kMagic.data(), kMagic.size());
  put_integer(bytes, kPayloadSizeAt, static_cast<std::uint32_t>(fields.payload.size()));
  put_integer(bytes, kKindAt, static_cast<std::uint16_t>(fields.kind));
  put(kSenderAt, fields.sender.data(), fields.sender.size());
  put(kPublicKeyAt, key.public_key().data(), key.public_key().size());
  put(kNonceAt, fields.nonce.data(), fields.nonce.size());
  put_integer(bytes, kTimestampAt, fields.timestamp_ms);
  put(kPolicyAt, fields.policy.data(), fields.policy.size());
  put(kScoresAt, fields.scores.data(), sizeof fields.scores);
  bytes.reserve(bytes.size() + fields.payload.size() + kSignatureBytes);
  bytes += fields.payload;
  const crypto::Digest digest = crypto::digest_of(kEnvelopeDomain, bytes);
  const crypto::Signature signature = key.sign({reinterpret_cast<const char*>(digest.data()), digest.size()});
  bytes.append(reinterpret_cast<const char*>(signature.data()), signature.size());
  assert(EnvelopeView::read(bytes));
  return bytes;
}

}  // namespace sovereign::pci
