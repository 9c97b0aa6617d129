// How a generation ended, as evidence of quality has it.
#pragma once

#include "engine/generation.h"
#include "omega/evidence.h"

namespace sovereign::runtime {

inline omega::Ending ending_of(engine::FinishReason finish) {
  switch (finish) {
    case engine::FinishReason::stop: return omega::Ending::complete;
    case engine::FinishReason::length: return omega::Ending::length;
    case engine::FinishReason::filtered:
    case engine::FinishReason::cancelled:
    case engine::FinishReason::deadline:
    case engine::FinishReason::error: return omega::Ending::interrupted;
  }
  return omega::Ending::unknown;
}

}  // namespace sovereign::runtime
