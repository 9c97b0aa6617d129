#include "engine/draft_acceptance.h"

#include <algorithm>

namespace sovereign::engine {

namespace {

// Before anything was seen: a good chance, worth four tokens. So what was never tried is tried, in a full
// batch too, and soon dropped when it is wrong.
constexpr double kFirstGuess = 0.8;
constexpr double kPriorTokens = 4;
// One record in an engine's long life, one in a sequence's short one: about 200 and 8 drafts count.
constexpr double kExperienceDecay = 0.995;
constexpr double kSequenceDecay = 0.88;

}  // namespace

double DraftExperience::chance(std::uint32_t draft_class) const {
  return records_.at(draft_class).chance(kFirstGuess, kPriorTokens);
}

void DraftExperience::observe(std::uint32_t draft_class, std::uint32_t drafted, std::uint32_t accepted) {
  records_.at(draft_class).observe(drafted, accepted, kExperienceDecay);
}

double DraftAcceptance::chance(std::uint32_t draft_class, const DraftExperience& all) const {
  return classes_.at(draft_class).record.chance(all.chance(draft_class), kPriorTokens);
}

void DraftAcceptance::observe(std::uint32_t draft_class, std::uint32_t drafted, std::uint32_t accepted) {
  if (drafted == 0) return;
  Class& of = classes_.at(draft_class);
  of.record.observe(drafted, accepted, kSequenceDecay);
  const bool was_probe = of.skipped >= of.probe_after;
  of.skipped = 0;
  if (accepted > 0) {
    of.probe_after = was_probe ? 1 : kFirstProbe;
  } else if (was_probe) {
    of.probe_after = std::clamp(of.probe_after * 2, kFirstProbe, kRarestProbe);
  }
}

bool DraftAcceptance::skip(std::uint32_t draft_class) {
  Class& of = classes_.at(draft_class);
  return ++of.skipped >= of.probe_after;
}

}  // namespace sovereign::engine
