// The 128-bit hash behind cache keys: XXH3-128, the same on every machine and in every version.
//
// Not resistant to an adversary who wants two inputs with one hash: whoever finds something by this
// hash must compare what was found (see query_key.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sovereign::cache {

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend constexpr bool operator==(const Hash128&, const Hash128&) = default;
};

// XXH3-128 with seed 0 and the default secret. Allocates nothing. Thread-safe.
Hash128 hash128(std::string_view bytes) noexcept;

// 32 lower-case hexadecimal digits, high half first (XXH's canonical form), and back.
std::string to_hex(const Hash128& hash);
std::optional<Hash128> hash128_from_hex(std::string_view hex);

}  // namespace sovereign::cache
