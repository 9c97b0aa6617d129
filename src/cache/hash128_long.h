// XXH3-128 of more than 240 bytes with seed 0 and the default secret, by the XXH3 specification, once for all
// instruction sets.
//
// The reference implementation walks over what is left after the last whole kilobyte in a loop, whose end the
// processor foresees badly, and that is all there is of most questions. Here it is one jump into straight
// code. What is added in order there (each lane's neighbour, each product) is added in two sums here: modulo
// 2^64 it is the same, and a step waits for one addition, not two. And the last products are made of vectors
// too: made of whole numbers, they wait for the sums in the queue of the only unit of a Zen 4 that multiplies
// those, and whatever the program does next, the next hash included, waits behind them (with vectors a key of
// 1 KB takes 28 ns there, it was 44).
//
// hash128.cpp takes the secret and the steps of whole numbers from here, for short texts.
//
// Included by files that are compiled for one instruction set each: keep the C++ library out of it, or its
// inline functions, compiled for that set, could be the copies that the linker keeps for everyone. All of
// this is in an unnamed namespace for the same reason.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/hash128.h"

namespace sovereign::cache {
namespace {

constexpr size_t kStripeSize = 64;
constexpr size_t kBlockStripes = 16;
constexpr size_t kBlockSize = kBlockStripes * kStripeSize;
constexpr size_t kSecretSize = 192;
constexpr uint64_t kPrime32[] = {0x9e3779b1, 0x85ebca77, 0xc2b2ae3d};
constexpr uint64_t kPrime64[] = {0x9e3779b185ebca87, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9,
                                 0x85ebca77c2b2ae63, 0x27d4eb2f165667c5};

// The default secret, as little-endian words.
constexpr uint64_t kSecret[kSecretSize / 8] = {
    0xbe4ba423396cfeb8, 0x1cad21f72c81017c, 0xdb979083e96dd4de, 0x1f67b3b7a4a44072, 0x78e5c0cc4ee679cb,
    0x2172ffcc7dd05a82, 0x8e2443f7744608b8, 0x4c263a81e69035e0, 0xcb00c391bb52283c, 0xa32e531b8b65d088,
    0x4ef90da297486471, 0xd8acdea946ef1938, 0x3f349ce33f76faa8, 0x1d4f0bc7c7bbdcf9, 0x3159b4cd4be0518a,
    0x647378d9c97e9fc8, 0xc3ebd33483acc5ea, 0xeb6313faffa081c5, 0x49daf0b751dd0d17, 0x9e68d429265516d3,
    0xfca1477d58be162b, 0xce31d07ad1b8f88f, 0x280416958f3acb45, 0x7e404bbbcafbd7af,
};

// The secret's bytes from `offset` on, as the 64-bit lanes of one stripe.
struct alignas(kStripeSize) Lanes {
  uint64_t lane[8];
};
constexpr Lanes secret_at(size_t offset) {
  Lanes lanes{};
  for (size_t i = 0; i < kStripeSize; ++i) {
    const size_t from = offset + i;
    const uint64_t byte = kSecret[from / 8] >> (from % 8 * 8) & 0xff;
    lanes.lane[i / 8] |= byte << (i % 8 * 8);
  }
  return lanes;
}

struct Keys {
  Lanes stripe[kBlockStripes];  // of a block's stripes
  Lanes last;                   // of the last stripe, which may overlap the one before it
  Lanes scramble;               // between blocks
  Lanes low, high;              // of the two halves of the result
  Lanes start;                  // not of the secret: what the accumulators begin with
};
constexpr Keys make_keys() {
  Keys keys{};
  for (size_t i = 0; i < kBlockStripes; ++i) keys.stripe[i] = secret_at(8 * i);
  keys.last = secret_at(kSecretSize - kStripeSize - 7);
  keys.scramble = secret_at(kSecretSize - kStripeSize);
  keys.low = secret_at(11);
  keys.high = secret_at(kSecretSize - kStripeSize - 11);
  keys.start = {{kPrime32[2], kPrime64[0], kPrime64[1], kPrime64[2], kPrime64[3], kPrime32[1], kPrime64[4],
                 kPrime32[0]}};
  return keys;
}
alignas(kStripeSize) constexpr Keys kKeys = make_keys();

__extension__ using uint128 = unsigned __int128;

inline uint64_t multiply_and_fold(uint64_t a, uint64_t b) {
  const uint128 product = static_cast<uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t avalanche(uint64_t mixed) {
  mixed ^= mixed >> 37;
  mixed *= 0x165667919e3779f9;
  return mixed ^ mixed >> 32;
}

// `Vector` holds a stripe as 8 lanes of 64 bits:
//   load(pointer), load(Lanes), all(number); + and ^ of lanes;
//   right<n>(), left<n>(): lanes shifted by n bits; low(): their lower 32 bits;
//   times(other): the lower 32 bits of each lane times those of the other's;
//   neighbours(): each pair of lanes exchanged;
//   firsts(other), seconds(other): of each pair of lanes the first (second), and beside it the other's;
//   sum_of_pairs(): of all first lanes, and of all second ones.

template <class Vector>
[[gnu::always_inline]] inline Vector product_of_halves(Vector lanes) {
  return lanes.times(lanes.template right<32>());
}

// (lane ^ lane >> 47 ^ key) * kPrime32[0]
template <class Vector>
[[gnu::always_inline]] inline Vector scrambled(Vector lanes, Vector key) {
  const Vector mixed = lanes ^ lanes.template right<47>() ^ key;
  const Vector prime = Vector::all(kPrime32[0]);
  return mixed.times(prime) + mixed.template right<32>().times(prime).template left<32>();
}

// multiply_and_fold() in each lane, as one multiplies by hand, with digits of 32 bits. No sum overflows.
template <class Vector>
[[gnu::always_inline]] inline Vector multiply_and_fold(Vector a, Vector b) {
  const Vector a_high = a.template right<32>();
  const Vector b_high = b.template right<32>();
  const Vector low = a.times(b);
  const Vector cross = a.times(b_high);
  const Vector middle = a_high.times(b) + low.template right<32>() + cross.low();
  const Vector high = a_high.times(b_high) + cross.template right<32>() + middle.template right<32>();
  return high ^ middle.template left<32>() ^ low.low();
}

template <class Vector>
struct Accumulators {
  Vector products = Vector::load(kKeys.start);
  Vector data{};

  [[gnu::always_inline]] void add(const char* stripe, const Lanes& key) {
    const Vector loaded = Vector::load(stripe);
    products = products + product_of_halves(loaded ^ Vector::load(key));
    data = data + loaded;
  }
  // Stripe `i` of the block.
  [[gnu::always_inline]] void add(const char* block, size_t i) {
    add(block + i * kStripeSize, kKeys.stripe[i]);
  }
  Vector sums() const { return products + data.neighbours(); }
};

template <class Vector>
[[gnu::always_inline]] inline Hash128 hash128_long(const char* bytes, size_t size) {
  const char* const last = bytes + size - kStripeSize;
  Accumulators<Vector> accumulators;
  // The last byte is in no whole block and no whole stripe: the last stripe is always apart.
  for (size_t blocks = (size - 1) / kBlockSize; blocks > 0; --blocks, bytes += kBlockSize) {
    for (size_t i = 0; i < kBlockStripes; ++i) accumulators.add(bytes, i);
    accumulators = {scrambled(accumulators.sums(), Vector::load(kKeys.scramble)), Vector{}};
  }
  switch ((size - 1) / kStripeSize % kBlockStripes) {
    // clang-format off
    case 15: accumulators.add(bytes, 14); [[fallthrough]];
    case 14: accumulators.add(bytes, 13); [[fallthrough]];
    case 13: accumulators.add(bytes, 12); [[fallthrough]];
    case 12: accumulators.add(bytes, 11); [[fallthrough]];
    case 11: accumulators.add(bytes, 10); [[fallthrough]];
    case 10: accumulators.add(bytes, 9); [[fallthrough]];
    case 9: accumulators.add(bytes, 8); [[fallthrough]];
    case 8: accumulators.add(bytes, 7); [[fallthrough]];
    case 7: accumulators.add(bytes, 6); [[fallthrough]];
    case 6: accumulators.add(bytes, 5); [[fallthrough]];
    case 5: accumulators.add(bytes, 4); [[fallthrough]];
    case 4: accumulators.add(bytes, 3); [[fallthrough]];
    case 3: accumulators.add(bytes, 2); [[fallthrough]];
    case 2: accumulators.add(bytes, 1); [[fallthrough]];
    case 1: accumulators.add(bytes, 0); [[fallthrough]];
    default: break;
      // clang-format on
  }
  accumulators.add(last, kKeys.last);

  const Vector sums = accumulators.sums();
  const Vector low = sums ^ Vector::load(kKeys.low);
  const Vector high = sums ^ Vector::load(kKeys.high);
  const Hash128 mixed = multiply_and_fold(low.firsts(high), low.seconds(high)).sum_of_pairs();
  return {avalanche(mixed.low + size * kPrime64[0]), avalanche(mixed.high + ~(size * kPrime64[1]))};
}

}  // namespace
}  // namespace sovereign::cache
