// How an answer that fell short is sampled again. Pure.
#pragma once

#include "engine/sampling_params.h"

namespace sovereign::runtime {

// Asking the same again would bring the same again. So:
//   greedy              temperature kRetryTemperature among the kRetryTopK likeliest, seed `retry`
//   with a fixed seed   that seed + retry * kRetrySeedStep (choice i has seed + i, which must not meet it)
//   without             as it was: a new seed is drawn anyway
// What was reproducible stays so. `retry` counts from 1; 0 leaves all as it is.
inline constexpr float kRetryTemperature = 0.7F;
inline constexpr std::int32_t kRetryTopK = 40;
inline constexpr std::uint32_t kRetrySeedStep = 0x9E3779B9;

inline void vary_for_retry(engine::SamplingParams& sampling, std::uint32_t retry) {
  if (retry == 0) return;
  if (sampling.greedy()) {
    sampling.temperature = kRetryTemperature;
    sampling.top_k = kRetryTopK;
    sampling.seed = retry;
  } else if (sampling.seed) {
    sampling.seed = *sampling.seed + retry * kRetrySeedStep;
  }
}

}  // namespace sovereign::runtime
