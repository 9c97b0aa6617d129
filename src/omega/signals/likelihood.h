// What the model itself holds of the answer: the likelihood of its tokens.
//
// likelihood    mean log-probability per token: minus the log of perplexity. (-inf, 0], nats.
// weakest_span  least mean log-probability over any kSpanTokens tokens in a row. (-inf, 0], nats. A mean
//               over a long answer hides one invented name; this does not.
// Both unmeasured for answers shorter than a span: how likely a "Yes." is tells how the model likes to begin.
// Source: Manakul et al. 2023 (SelfCheckGPT, the grey-box baselines Avg(-log p) and Max(-log p)); Jiang
// et al. 2023 (FLARE) for looking at the least likely part. A span in place of one token, since a single
// unlikely token is often only a turn of phrase.
// Does not see: errors that the model believes in; degenerate loops, which are likely (Holtzman et al.
// 2020), so signals/repetition.h must look too.
// Cost: one pass, no allocation.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace sovereign::omega {

inline constexpr std::size_t kSpanTokens = 5;

// None for fewer than kSpanTokens, or when one is not a number of at most 0 (-inf is none either).
std::optional<double> mean_logprob(std::span<const float> logprobs);
std::optional<double> weakest_span_logprob(std::span<const float> logprobs);

}  // namespace sovereign::omega
