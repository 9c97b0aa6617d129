#include "crypto/ed25519/batch.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>

#include "crypto/sha2.h"

namespace sovereign::crypto::ed25519 {
namespace {

constexpr std::size_t kSmallestTogether = 2;
// A check of a range costs at most about 0.4 of verifying its signatures alone, so a search that goes over
// the batch this often has cost as much as that; then the rest is verified alone. One bad signature takes at
// most three: all, its halves, the halves of those.
constexpr std::size_t kSearchRounds = 3;

}  // namespace

Scalar hash_of(const SignedMessage& item) noexcept {
  Sha512Stream hash;
  hash.update(std::span<const std::byte, 32>(item.signature->data(), 32));
  hash.update(*item.key);
  hash.update(item.message);
  return scalar_from_wide(hash.finish());
}

std::optional<Scalar> s_of(const Signature& signature) noexcept {
  return scalar_from_canonical(std::span<const std::byte, 32>(signature.data() + 32, 32));
}

bool equation_holds(const Backend& backend, const Scalar& s, const Scalar& k, const AffinePoint& r,
                    const AffinePoint& a, const PointTable* table) {
  const Term terms[] = {{s, &kBasePoint, &base_point_table(), false}, {negate(k), &a, table, false}};
  const ExtendedPoint sum = backend.straus(std::span<const Term>(terms));
  const ExtendedPoint difference = ed25519::add(sum, to_cached(r), true);
  return is_identity(double_times(difference, 3));
}

Batch::Batch(std::span<const SignedMessage> items, const Backend& backend)
    : items_(items), backend_(backend), r_(items.size()), key_of_item_(items.size()) {
  std::vector<EncodedPoint> encodings;
  encodings.reserve(items.size());
  for (const SignedMessage& item : items) {
    assert(item.table == nullptr || item.table->key() == *item.key);
    encodings.push_back(item.signature->data());
  }
  backend.decompress(encodings, r_.data());
  gather_keys();

  entries_.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!r_[i] || keys_[key_of_item_[i]].point == nullptr) continue;
    const auto s = s_of(*items[i].signature);
    if (!s) continue;
    entries_.push_back({*s, hash_of(items[i]), {}, static_cast<std::uint32_t>(i), key_of_item_[i]});
  }
}

void Batch::gather_keys() {
  std::vector<std::uint32_t> by_key(items_.size());
  std::iota(by_key.begin(), by_key.end(), 0U);
  const auto order = [this](std::uint32_t a, std::uint32_t b) {
    return std::memcmp(items_[a].key->data(), items_[b].key->data(), 32);
  };
  std::sort(by_key.begin(), by_key.end(), [&](std::uint32_t a, std::uint32_t b) { return order(a, b) < 0; });

  std::vector<EncodedPoint> encodings;
  std::vector<std::uint32_t> to_decode;
  for (std::size_t i = 0; i < by_key.size();) {
    const PublicKeyTable* table = nullptr;
    const std::uint32_t first = by_key[i];
    for (; i < by_key.size() && order(first, by_key[i]) == 0; ++i) {
      key_of_item_[by_key[i]] = static_cast<std::uint32_t>(keys_.size());
      if (items_[by_key[i]].table != nullptr) table = items_[by_key[i]].table;
    }
    if (table != nullptr) {
      keys_.push_back({&table->multiples().point, &table->multiples()});
    } else {
      to_decode.push_back(static_cast<std::uint32_t>(keys_.size()));
      encodings.push_back(items_[first].key->data());
      keys_.push_back({nullptr, nullptr});
    }
  }
  key_points_.resize(encodings.size());
  backend_.decompress(encodings, key_points_.data());
  for (std::size_t i = 0; i < to_decode.size(); ++i)
    if (key_points_[i]) keys_[to_decode[i]].point = &*key_points_[i];
}

// z = SHA-512(T || j as 8 bytes little-endian), four weights of 128 bits from each, where
// T = SHA-512("sovereign/ed25519-batch/v1" 00 || seed || k_1 || s_1 || k_2 || …).
void Batch::set_weights(const BatchSeed& seed) {
  Sha512Stream transcript_hash;
  transcript_hash.update(std::string_view("sovereign/ed25519-batch/v1\0", 27));
  transcript_hash.update(seed);
  for (const Entry& entry : entries_) {
    transcript_hash.update(std::as_bytes(std::span(entry.k.word)));
    transcript_hash.update(std::as_bytes(std::span(entry.s.word)));
  }
  const Sha512Digest transcript = transcript_hash.finish();
  Sha512Digest block{};
  for (std::uint64_t i = 0; i < entries_.size(); ++i) {
    if (i % 4 == 0) {
      const std::uint64_t counter = i / 4;
      Sha512Stream hash;
      hash.update(transcript);
      hash.update(std::as_bytes(std::span(&counter, 1)));
      block = hash.finish();
    }
    entries_[i].z = {};
    std::memcpy(entries_[i].z.word, block.data() + 16 * (i % 4), 16);
  }
}

bool Batch::hold_together(std::size_t begin, std::size_t end) {
  checked_together_ += end - begin;
  terms_.clear();
  key_scalars_.assign(keys_.size(), Scalar{});
  key_in_range_.assign(keys_.size(), false);
  Scalar base{};
  for (std::size_t i = begin; i < end; ++i) {
    const Entry& entry = entries_[i];
    base = add(base, mul(entry.z, entry.s));
    key_scalars_[entry.key] = add(key_scalars_[entry.key], mul(entry.z, entry.k));
    key_in_range_[entry.key] = true;
    terms_.push_back({entry.z, &*r_[entry.item], nullptr, true});
  }
  for (std::size_t key = 0; key < keys_.size(); ++key)
    if (key_in_range_[key]) terms_.push_back({key_scalars_[key], keys_[key].point, keys_[key].table, false});
  terms_.push_back({negate(base), &kBasePoint, &base_point_table(), false});
  return is_identity(double_times(sum_of(backend_, terms_), 3));
}

bool Batch::holds_alone(const Entry& entry) const {
  const Key& key = keys_[entry.key];
  return equation_holds(backend_, entry.s, entry.k, *r_[entry.item], *key.point, key.table);
}

void Batch::settle(std::size_t begin, std::size_t end, bool known_bad, std::vector<bool>& verdicts) {
  const std::size_t size = end - begin;
  if (size == 0) return;
  const bool search_is_over = checked_together_ > kSearchRounds * entries_.size();
  if (size == 1 && known_bad) return;
  if (size < kSmallestTogether || search_is_over) {
    for (std::size_t i = begin; i < end; ++i) verdicts[entries_[i].item] = holds_alone(entries_[i]);
    return;
  }
  if (!known_bad && hold_together(begin, end)) {
    for (std::size_t i = begin; i < end; ++i) verdicts[entries_[i].item] = true;
    return;
  }
  const std::size_t middle = begin + size / 2;
  if (hold_together(begin, middle)) {
    for (std::size_t i = begin; i < middle; ++i) verdicts[entries_[i].item] = true;
    settle(middle, end, true, verdicts);
  } else {
    settle(begin, middle, true, verdicts);
    settle(middle, end, false, verdicts);
  }
}

std::vector<bool> Batch::verdicts(const BatchSeed& seed) {
  std::vector<bool> verdicts(items_.size(), false);
  if (entries_.size() >= kSmallestTogether) set_weights(seed);
  settle(0, entries_.size(), false, verdicts);
  return verdicts;
}

}  // namespace sovereign::crypto::ed25519
