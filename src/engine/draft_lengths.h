// How many tokens to draft for each sequence of a step: as many as make the step give more tokens per second.
//
// A draft's i-th token is of use with chance^i and costs a row, so tokens are added in order of that
// chance while the tokens expected of the step grow by more than its time does ('goodput': Liu et al.,
// arXiv 2406.14066). A lone sequence thus drafts far, since its step is mostly a constant; a full batch,
// where rows are what costs, drafts only what is nearly certain. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/step_cost.h"

namespace sovereign::engine {

struct DraftChance {
  double chance = 0;            // that a token is right when those before it were, in [0, 1]
  std::uint32_t available = 0;  // tokens that could be drafted
};

// Lengths in the order of `chances`; together at most `most_tokens`. `rows` is what the step has without
// drafts, and `token_time` what making one drafted token takes, in the unit of `cost`.
std::vector<std::uint32_t> draft_lengths(std::span<const DraftChance> chances, std::uint32_t rows,
                                         std::uint32_t most_tokens, const StepCost& cost, double token_time);

}  // namespace sovereign::engine
