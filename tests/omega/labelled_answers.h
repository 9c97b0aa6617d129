// Labelled answers: NAME_answers.jsonl, and the log-probabilities that measure_logprobs wrote to
// NAME_logprobs.jsonl. The signals are calibrated on the set "labelled"; "heldout" was made after that, and
// no anchor, weight or rule may be chosen by it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "omega/evidence.h"

namespace sovereign::testing {

struct LabelledAnswer {
  std::int64_t id = 0;
  bool good = false;
  std::string kind;  // of a bad one: its fault
  std::string question;
  std::vector<std::string> context;
  std::string answer;
  std::vector<std::string> samples;
  omega::Ending ending = omega::Ending::unknown;
  omega::AnswerFormat format = omega::AnswerFormat::free;
  std::string schema;
  std::vector<float> logprobs;

  std::vector<std::string_view> context_views() const { return {context.begin(), context.end()}; }
  std::vector<std::string_view> sample_views() const { return {samples.begin(), samples.end()}; }
};

// Throws std::runtime_error on a file that is not what it should be.
std::vector<LabelledAnswer> read_labelled_answers(const std::filesystem::path& folder,
                                                  const std::string& name, bool with_logprobs = true);

}  // namespace sovereign::testing
