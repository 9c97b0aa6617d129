#include "server/http/request_id.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <random>

namespace sovereign::server {

namespace {

constexpr std::size_t kOfferedBytesMax = 128;

bool is_sane(std::string_view id) {
  return !id.empty() && id.size() <= kOfferedBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '_' || c == '-';
  });
}

// SplitMix64's finalizer (Steele, Lea, Flood 2014): a bijection, so counts never collide.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

std::uint64_t process_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace

std::string choose_request_id(std::string_view offered) {
  if (is_sane(offered)) return std::string(offered);
  static const std::uint64_t seed = process_seed();
  static std::atomic<std::uint64_t> count{0};
  std::uint64_t value = mix(seed + count.fetch_add(1, std::memory_order_relaxed));
  std::string id = "req_0000000000000000";
  for (std::size_t i = id.size(); value != 0; value >>= 4U) id[--i] = "0123456789abcdef"[value & 15U];
  return id;
}

}  // namespace sovereign::server
