// A quality note as JSON, for every API that shows one. Pure; appends text, since cached answers are told
// thousands of times a second.
//
//   {"score":0.97,"passed":true,"dimensions":{"truthfulness":0.95,…},"shortfalls":[{"name","value","minimum"}],
//    "findings":[{"kind","offset","length"}],"retries":0}
//
// Unmeasured dimensions are null; numbers have four decimals. In full there are also "signals"
// ({"likelihood":
// {"raw","score"}, …}; measured ones), "ntu" ({"belief","entropy","potential","coverage"}) and the judge's
// "judge_reason".
#pragma once

#include <string>

#include "runtime/quality.h"

namespace sovereign::runtime {

enum class QualityDetail { summary, full };

void append_quality_json(std::string& out, const Quality& quality, QualityDetail detail);

// The score as headers tell it: four decimals, or "unmeasured".
std::string score_text(const Quality& quality);

}  // namespace sovereign::runtime
