// Which arm a query belongs to: a stable hash, so that the same query (or client) always meets the same arm.
//
// The canary's name is the salt: who was in the last canary's share is in the next one's by chance only.
// docs/canary.md has the formula. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "gateway/canary/observation.h"

namespace sovereign::gateway {

// FNV-1a, 64 bits.
std::uint64_t hash_text(std::string_view text);

// `unit` is a hash of what is assigned; `share`, 0 to 1, is the variant's.
Arm assign_arm(std::string_view canary, std::uint64_t unit, double share);

}  // namespace sovereign::gateway
