#include "engine/logprobs.h"

#include <cmath>
#include <vector>

#include "engine/llama_model.h"

namespace sovereign::engine {

TokenLogprob token_logprob(const LlamaModel& model, RowScan& scan, std::span<const float> logits,
                           Token chosen, std::uint32_t top) {
  scan.load(logits);
  scan.weigh(1.0F);
  const double log_mass = std::log(scan.mass()) + static_cast<double>(scan.max());
  const auto entry = [&](Token token) {
    const auto logit = static_cast<double>(logits[static_cast<std::size_t>(token)]);
    return CandidateLogprob{token, model.piece(token, true), static_cast<float>(logit - log_mass)};
  };
  TokenLogprob logprob{entry(chosen), {}};
  std::vector<Candidate> best;
  scan.top_k(top, best);
  for (const Candidate& candidate : best) logprob.top.push_back(entry(candidate.token));
  return logprob;
}

float log_likelihood(RowScan& scan, std::span<const float> logits, Token chosen, bool loaded) {
  if (!loaded) scan.load(logits);
  // A hundred thousand values that far down would change the logarithm by a thousandth; real rows have far
  // less mass there, and most of their blocks are passed over.
  constexpr float kDepth = 18;
  const double mass = scan.is_weighed(1.0F) ? scan.mass() : scan.mass_within(kDepth);
  const double log_mass = std::log(mass) + static_cast<double>(scan.max());
  return static_cast<float>(static_cast<double>(logits[static_cast<std::size_t>(chosen)]) - log_mass);
}

}  // namespace sovereign::engine
