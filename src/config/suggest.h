// The nearest known word to a mistyped one.
#pragma once

#include <span>
#include <string_view>

namespace sovereign::config {

// The candidate with the fewest insertions, deletions, substitutions and swaps of neighbours (optimal
// string alignment distance); empty when even that one is too far off to be a slip of the hand.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace sovereign::config
