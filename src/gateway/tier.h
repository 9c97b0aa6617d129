// Where an answer is made, as queries and configurations name it.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace sovereign::gateway {

enum class Tier {
  edge,   // small, on this machine's CPU: the embedded model is here
  local,  // larger, close by: a GPU, a server on the desktop
  pool,   // remote: a rack, a federation
};
inline constexpr std::array kTiers = {Tier::edge, Tier::local, Tier::pool};

constexpr std::string_view to_string(Tier tier) {
  switch (tier) {
    case Tier::edge: return "edge";
    case Tier::local: return "local";
    case Tier::pool: return "pool";
  }
  return "edge";
}

constexpr std::optional<Tier> tier_of(std::string_view name) {
  for (const Tier tier : kTiers) {
    if (to_string(tier) == name) return tier;
  }
  return std::nullopt;
}

}  // namespace sovereign::gateway
