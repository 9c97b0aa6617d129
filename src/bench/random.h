// Draws that are the same with every standard library, unlike the distributions of <random>.
#pragma once

#include <cstdint>
#include <random>

namespace sovereign::bench {

// Even over [0, bound), bound > 0; the bias of the remainder is under bound / 2^64.
inline std::uint64_t draw_below(std::mt19937_64& random, std::uint64_t bound) { return random() % bound; }

// Even over [0, 1).
inline double draw_fraction(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

}  // namespace sovereign::bench
