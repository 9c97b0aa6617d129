// Whether the answer is one: not empty, and not a refusal.
//
// responsiveness  0 for an empty answer, or one that refuses in its first kRefusalBytes; else 1.
// A refusal is a phrase in which the speaker declines ("I can't help with", "I'm unable to provide", "As
// an AI language model, I cannot"). Saying that the given context does not hold the answer is not one.
// Source: keyword matching of refusals as in Zou et al. 2023 (AdvBench) and Röttger et al. 2024 (XSTest),
// with a verb required after the modal, since the bare prefixes also begin good answers ("I can't
// recommend it enough").
// Does not see: a refusal that is right; whether to hold it against the answer is the policy's choice.
// English only: in other languages an answer counts as responsive.
// Cost: one pass over the beginning.
#pragma once

#include <cstddef>
#include <string_view>

namespace sovereign::omega {

inline constexpr std::size_t kRefusalBytes = 400;

bool refuses(std::string_view answer);
double responsiveness(std::string_view answer);

}  // namespace sovereign::omega
