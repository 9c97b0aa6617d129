// Runs the reasoning core on a generator, level by level, until it is done. Blocks: call from a worker
// thread. Who cannot block drives Reasoner directly; there is no more to it than this loop.
#pragma once

#include <string_view>

#include "runtime/reasoning/reasoner.h"
#include "runtime/reasoning/thought_generator.h"

namespace sovereign::runtime {

// Errors: invalid_argument (config), the generator's own (cancelled, unavailable…), and unavailable when
// no thought at all brought a text.
result<ReasoningOutcome> reason(std::string_view question, const ReasoningConfig& config,
                                ThoughtGenerator& generator, const Clock& clock);

}  // namespace sovereign::runtime
