// Whether independent samples of the same question say the same.
//
// similarity  [0,1], symmetric, 1 for equal texts. When both texts name a final answer (final_answer.h):
//             1 if these are equal, else 0. Otherwise the F1 of content words and their neighbours
//             (ROUGE-1 and ROUGE-2, Lin 2004, averaged), times the share of numbers that both hold:
//             texts that differ in a number differ.
// agreement   mean similarity of the answer to the other samples (Wang et al. 2022, 'Self-consistency';
//             the n-gram variant of SelfCheckGPT, Manakul et al. 2023). Unmeasured without samples.
// Does not see: equal meaning in different words (too low), shared errors (too high).
// Cost: linear in the texts, n log n in their words.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace sovereign::omega {

double similarity(std::string_view a, std::string_view b);
std::optional<double> agreement(std::string_view answer, std::span<const std::string_view> samples);

}  // namespace sovereign::omega
