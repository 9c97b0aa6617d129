// A judge: a model that is shown a question and an answer and scores the eight dimensions.
//
// Only the words are here: what to ask, the JSON schema that its answer must be constrained to, and how
// to read it. The pipeline asks any backend, greedily; nothing here does I/O.
// Method: LLM-as-a-judge with an explicit rubric (Zheng et al. 2023, 'Judging LLM-as-a-Judge'; Liu et al.
// 2023, 'G-Eval'). A judge may say that a dimension does not apply: it stays unmeasured then.
// What it is shown stands in the prompt as JSON strings, and the rubric says that it is material, not
// instructions; a small judge can be talked round all the same, so its scores can only lower a
// dimension that signals measured (mapping.h), never lift it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "omega/ihsan_vector.h"

namespace sovereign::omega {

struct JudgeVerdict {
  std::array<std::optional<double>, kDimensions> scores;  // [0,1]; absent: does not apply
  std::string reason;                                     // the judge's own sentence, for a person

  friend bool operator==(const JudgeVerdict&, const JudgeVerdict&) = default;
};

struct JudgeLimits {
  std::size_t question_bytes = 4096;
  std::size_t context_bytes = 8192;  // of all documents together
  std::size_t answer_bytes = 8192;
};

// OpenAI's `messages` array as JSON text: the rubric, then the material, each part cut to its limit at a
// character's border, with a note where it was cut.
std::string judge_messages(std::string_view question, std::span<const std::string_view> context,
                           std::string_view answer, const JudgeLimits& limits = {});

// The schema for constrained output: a short reason first (so that the scores follow from it), then per
// dimension an integer from 1 to 5 or null.
std::string_view judge_schema();

// Most tokens that a judge may need to write an object of that schema.
inline constexpr unsigned kJudgeMaxTokens = 256;

// 1 becomes 0, 5 becomes 1. Errors: corrupt (not such an object); there is no partial verdict.
result<JudgeVerdict> parse_judge_verdict(std::string_view text);

}  // namespace sovereign::omega
