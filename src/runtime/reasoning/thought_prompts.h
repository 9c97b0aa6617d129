// The words that thoughts are asked for with. Every list of turns begins with the same one (the question
// and how to answer it), so that thoughts of all levels share its KV cells; a refinement also shares the
// thought that it refines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/reasoning/thought.h"

namespace sovereign::runtime {

// In English; give others to speak to the model in another language. They should ask
// for a marker that omega/final_answer.h knows, or thoughts are compared by their whole texts.
struct ThoughtPrompts {
  std::string explore;
  std::string refine;
  std::string merge;   // "{other}" stands for the other thought
  std::string answer;  // after the best thought: the answer as the question wants it
};

const ThoughtPrompts& default_thought_prompts();

std::vector<Turn> explore_turns(const ThoughtPrompts& prompts, std::string_view question);
std::vector<Turn> refine_turns(const ThoughtPrompts& prompts, std::string_view question,
                               std::string_view thought);
std::vector<Turn> merge_turns(const ThoughtPrompts& prompts, std::string_view question,
                              std::string_view better, std::string_view other);

// What the best thought becomes an answer in.
std::vector<Turn> answer_turns(const ThoughtPrompts& prompts, std::string_view question,
                               std::string_view thought);

}  // namespace sovereign::runtime
