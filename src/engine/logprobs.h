// Log-probabilities of tokens under the model: log-softmax of a row of logits, before anything else.
#pragma once

#include <cstdint>
#include <span>

#include "engine/generation.h"
#include "engine/row_scan.h"

namespace sovereign::engine {

class LlamaModel;

// The chosen token and the `top` best, best first. `scan` is left loaded with the row.
TokenLogprob token_logprob(const LlamaModel& model, RowScan& scan, std::span<const float> logits,
                           Token chosen, std::uint32_t top);

// The chosen token's alone. With `loaded` the scan holds this very row already, as after choosing from it:
// then this costs part of a pass, and none when its mass is known too. Right to about a thousandth.
float log_likelihood(RowScan& scan, std::span<const float> logits, Token chosen, bool loaded);

}  // namespace sovereign::engine
