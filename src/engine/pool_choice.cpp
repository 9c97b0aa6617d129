#include "engine/pool_choice.h"

#include <algorithm>

namespace sovereign::engine {
namespace {

constexpr std::size_t kBeginningTokens = 64;
constexpr std::uint32_t kSlack = 1;  // more than the least that the preferred one may have

std::uint64_t mix(std::uint64_t value) {  // splitmix64's finisher
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

}  // namespace

std::optional<std::uint64_t> beginning_of(std::span<const Token> prompt) {
  if (prompt.size() < kBeginningTokens) return std::nullopt;
  std::uint64_t hash = 0;
  for (const Token token : prompt.first(kBeginningTokens)) {
    hash = mix(hash ^ static_cast<std::uint32_t>(token)) + 0x9e3779b97f4a7c15U;
  }
  return hash;
}

std::optional<std::size_t> choose_engine(std::span<const std::uint32_t> running, std::uint32_t capacity,
                                         std::uint32_t choices, std::optional<std::uint64_t> beginning) {
  if (running.empty()) return std::nullopt;
  const auto least = std::min_element(running.begin(), running.end());
  if (*least != 0 && *least + choices > capacity) return std::nullopt;
  if (!beginning) return static_cast<std::size_t>(least - running.begin());
  const auto rank = [&](std::size_t engine) { return mix(*beginning ^ mix(engine + 1)); };
  std::size_t best = static_cast<std::size_t>(least - running.begin());
  for (std::size_t engine = 0; engine < running.size(); ++engine) {
    const bool fits = running[engine] == 0 || running[engine] + choices <= capacity;
    if (fits && running[engine] <= *least + kSlack && rank(engine) > rank(best)) best = engine;
  }
  return best;
}

}  // namespace sovereign::engine
