#include "cache/hash128.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <charconv>
#include <cstring>

#include "cache/hash128_long.h"
#include "cache/hash128_simd.h"

namespace sovereign::cache {
namespace {

static_assert(std::endian::native == std::endian::little, "XXH3 reads little-endian words");
std::uint64_t word(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// XXH3 of 17 to 128 bytes takes 32 at a time, 16 from the front and 16 from the back, with 4 words of the
// secret.
struct Sums {
  std::uint64_t low;
  std::uint64_t high;

  [[gnu::always_inline]] void add(const char* front, const char* back, const std::uint64_t* secret) {
    const std::uint64_t front0 = word(front);
    const std::uint64_t front1 = word(front + 8);
    const std::uint64_t back0 = word(back);
    const std::uint64_t back1 = word(back + 8);
    low = (low + multiply_and_fold(front0 ^ secret[0], front1 ^ secret[1])) ^ (back0 + back1);
    high = (high + multiply_and_fold(back0 ^ secret[2], back1 ^ secret[3])) ^ (front0 + front1);
  }
};

// Not inlined, or hash128() would save registers for it, whatever the length.
[[gnu::noinline]] Hash128 hash128_of_other_length(std::string_view bytes) noexcept {
#if defined(__x86_64__)
  if (bytes.size() > 240) {
    // VBMI2 tells the processors that do not slow down for vectors of 512 bits (Ice Lake, Zen 4 and later).
    if (__builtin_cpu_supports("avx512vbmi2")) return hash128_avx512(bytes.data(), bytes.size());
    if (__builtin_cpu_supports("avx2")) return hash128_avx2(bytes.data(), bytes.size());
  }
#endif
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

}  // namespace

Hash128 hash128(std::string_view bytes) noexcept {
  const std::size_t size = bytes.size();
  // By hand: short keys, and what is left of those with long texts, are of this length, and the reference's
  // code, as GCC 12 compiles it among all the others, takes a tenth longer.
  if (size <= 16 || size > 128) return hash128_of_other_length(bytes);
  const char* const begin = bytes.data();
  const char* const end = begin + size;
  Sums sums{size * kPrime64[0], 0};
  if (size > 32) {
    if (size > 64) {
      if (size > 96) sums.add(begin + 48, end - 64, kSecret + 12);
      sums.add(begin + 32, end - 48, kSecret + 8);
    }
    sums.add(begin + 16, end - 32, kSecret + 4);
  }
  sums.add(begin, end - 16, kSecret);
  return {avalanche(sums.low + sums.high),
          -avalanche(sums.low * kPrime64[0] + sums.high * kPrime64[3] + size * kPrime64[1])};
}

// By hand: it stands in the headers of every hit.
std::string to_hex(const Hash128& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::size_t kHalf = 16;
  std::string hex(2 * kHalf, '0');
  std::uint64_t high = hash.high;
  std::uint64_t low = hash.low;
  for (std::size_t i = kHalf; i > 0; --i, high >>= 4, low >>= 4) {
    hex[i - 1] = kDigits[high & 15];
    hex[kHalf + i - 1] = kDigits[low & 15];
  }
  return hex;
}

std::optional<Hash128> hash128_from_hex(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  Hash128 hash;
  const char* const middle = hex.data() + 16;
  const char* const end = hex.data() + 32;
  const auto high = std::from_chars(hex.data(), middle, hash.high, 16);
  const auto low = std::from_chars(middle, end, hash.low, 16);
  if (high.ec != std::errc() || high.ptr != middle || low.ec != std::errc() || low.ptr != end) {
    return std::nullopt;
  }
  return hash;
}

}  // namespace sovereign::cache
