#include "gateway/canary/assignment.h"

namespace sovereign::gateway {
namespace {

// The finalizer of SplitMix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

Arm assign_arm(std::string_view canary, std::uint64_t unit, double share) {
  // 53 bits: exact in a double, and in every language that checks this.
  const double place = static_cast<double>(mix(unit ^ mix(hash_text(canary))) >> 11) * 0x1p-53;
  return place < share ? Arm::variant : Arm::control;
}

}  // namespace sovereign::gateway
