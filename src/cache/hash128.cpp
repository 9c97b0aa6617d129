#include "cache/hash128.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <charconv>

#include "cache/hash128_simd.h"

namespace sovereign::cache {

Hash128 hash128(std::string_view bytes) noexcept {
#if defined(__x86_64__)
  // Up to 240 bytes XXH3 is scalar code, and what is inlined here is best.
  if (bytes.size() > 240) {
    // VBMI2 tells the processors that do not slow down for vectors of 512 bits (Ice Lake, Zen 4 and later).
    if (__builtin_cpu_supports("avx512vbmi2")) return hash128_avx512(bytes.data(), bytes.size());
    if (__builtin_cpu_supports("avx2")) return hash128_avx2(bytes.data(), bytes.size());
  }
#endif
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
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
