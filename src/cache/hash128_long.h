// XXH3-128 of more than 240 bytes with seed 0 and the default secret, by the XXH3 specification, once for all
// instruction sets.
//
// The reference implementation walks over what is left after the last whole kilobyte in a loop, whose end the
// processor foresees badly, and that is all there is of most questions. Here it is one jump into straight
// code. What is added in order there (each lane's neighbour, each product) is added in two sums here: modulo
// 2^64 it is the same, and a step waits for one addition, not two.
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

inline uint64_t half_of_result(const Lanes& sums, const Lanes& key, uint64_t start) {
  uint64_t mixed = start;
  for (size_t i = 0; i < 8; i += 2) {
    mixed += multiply_and_fold(sums.lane[i] ^ key.lane[i], sums.lane[i + 1] ^ key.lane[i + 1]);
  }
  mixed ^= mixed >> 37;
  mixed *= 0x165667919e3779f9;
  return mixed ^ mixed >> 32;
}

// `Vector` holds a stripe as 8 lanes of 64 bits:
//   load(pointer), load(Lanes), store(Lanes&), + and ^ of lanes;
//   product(): in each lane, its lower 32 bits times its upper ones;
//   neighbours(): each pair of lanes exchanged;
//   scrambled(key): (lane ^ lane >> 47 ^ key) * kPrime32[0].
template <class Vector>
struct Accumulators {
  Vector products = Vector::load(kKeys.start);
  Vector data{};

  [[gnu::always_inline]] void add(const char* stripe, const Lanes& key) {
    const Vector loaded = Vector::load(stripe);
    products = products + (loaded ^ Vector::load(key)).product();
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
    accumulators = {accumulators.sums().scrambled(Vector::load(kKeys.scramble)), Vector{}};
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

  // By way of memory, and so are the keys: GCC would take the lanes out one by one, by what the stripes of
  // the next hash wait for, and write the keys into the code, 10 bytes an instruction.
  Lanes sums;
  accumulators.sums().store(sums);
  const Keys* keys = &kKeys;
  asm("" : "+m"(sums), "+r"(keys));
  return {half_of_result(sums, keys->low, size * kPrime64[0]),
          half_of_result(sums, keys->high, ~(size * kPrime64[1]))};
}

}  // namespace
}  // namespace sovereign::cache
