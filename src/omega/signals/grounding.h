// Whether the answer is supported by the context given with the question.
//
// grounding  [0,1]: the mean of two shares. Of the answer's content words, those that the context
//            holds (coverage, Grusky et al. 2018, 'Newsroom'; the precision of Knowledge F1, Shuster et
//            al. 2021), where a word that stands beside a neighbour as in the context counts in full and
//            one that stands alone counts kLoneWord. And of its numbers and names, those that occur there
//            (entity precision, Nan et al. 2021): what is invented mostly is one of these. When the
//            answer has no numbers or names, the first share alone.
// Words that only the question holds are not counted: to repeat the question supports nothing.
// Unmeasured without context, and for an answer without content words of its own.
// Does not see: words of the context put together into something false; paraphrase (too low).
// Cost: linear in answer and context.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "omega/words.h"

namespace sovereign::omega {

inline constexpr double kLoneWord = 0.75;

std::optional<double> grounding(std::span<const Word> answer, std::string_view question,
                                std::span<const std::string_view> context);

}  // namespace sovereign::omega
