// Degeneration: text that repeats itself.
//
// variety  [0,1]: the least of two shares. Distinct word 4-grams among all word 4-grams (1 - seq-rep-4 of
//          Welleck et al. 2020, 'Neural text generation with unlikelihood training'), and distinct byte
//          12-grams among all byte 12-grams, which sees what has no words ("!!!!!!", "aaaaaa"): how well
//          the text would compress.
// Unmeasured below kMinRepetitionBytes: too short to repeat itself.
// Does not see: an answer that says the same thing in other words. Tables, verse and code repeat by
// nature; the anchors leave room for them.
// Cost: linear; two hash sets.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "omega/words.h"

namespace sovereign::omega {

inline constexpr std::size_t kMinRepetitionBytes = 32;

// `words` are text's own.
std::optional<double> variety(std::string_view text, std::span<const Word> words);

}  // namespace sovereign::omega
