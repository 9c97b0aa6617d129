// From signals to the Ihsan vector: which sign speaks of which quality.
//
//   truthfulness     least of: grounding, agreement. Is it so? What the context supports, and what
//   independent
//                    samples say again. Not how likely the model holds its own words: it holds its errors
//                    as likely as its truths (docs/quality.md, held out).
//   trustworthiness  least of: no_secrets, no_personal_data. Can it be trusted with what it knows?
//   excellence       least of: likelihood, weakest_span, variety, format, responsiveness. Is it well made, in
//                    language and not gibberish, and an answer at all?
//   patience         completeness. Was it carried to its end?
//   justice, wisdom, compassion, gratitude    a judge only: no signal here measures them
//
// The least, not the mean: each signal finds faults of its own kind, and a fault is not made good by the
// absence of another. A judge's score lowers what signals measured, and stands alone where they did not.
// A dimension none of whose sources was measured is unmeasured.
#pragma once

#include "omega/ihsan_vector.h"
#include "omega/judge.h"
#include "omega/signal.h"

namespace sovereign::omega {

// The dimension that the signal speaks of.
Dimension dimension_of(Signal signal);

// `judge` may be null.
IhsanVector map_to_dimensions(const Readings& readings, const JudgeVerdict* judge);

}  // namespace sovereign::omega
