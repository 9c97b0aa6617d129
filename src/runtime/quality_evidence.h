// From a query and its answers to the evidence that omega judges by. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "omega/assessment.h"
#include "runtime/query.h"
#include "runtime/result.h"

namespace sovereign::runtime {

// The query's own texts, in the form that evidence wants them.
struct AskedTexts {
  // What the asker said or showed. Of a conversation: all messages but the system's, so that what stands in
  // any of them counts as given.
  std::string given;
  std::string question;              // the last thing asked
  std::vector<std::string> context;  // documents and values; of a conversation none
};

AskedTexts asked_texts(const SovereignQuery& query);

// What an answer says: its content, or the arguments of its tool calls when that is all there is.
std::string said_by(const Choice& choice);

// One per choice. `log_likelihoods` may be empty, or hold a list per choice. Other answers to the same
// query are samples when they were drawn, not when all are the same greedy one.
std::vector<omega::Assessment> assess_choices(const SovereignQuery& query, const AskedTexts& asked,
                                              std::span<const Choice> choices,
                                              std::span<const std::vector<float>> log_likelihoods);

}  // namespace sovereign::runtime
