#include "runtime/reasoning/thought_prompts.h"

namespace sovereign::runtime {

const ThoughtPrompts& default_thought_prompts() {
  static const ThoughtPrompts prompts{
      .explore =
          "Think it through step by step. Then write the answer alone on a last line that begins with "
          "\"Answer:\".",
      .refine =
          "Check each step of that. Correct what is wrong, keep what is right, and write the improved "
          "solution, with the answer alone on a last line that begins with \"Answer:\".",
      .merge =
          "Here is another solution to the same question:\n\n{other}\n\nThe two differ. Weigh them step by "
          "step, take what is right in each, and write one solution, with the answer alone on a last line "
          "that begins with \"Answer:\".",
      .answer =
          "Now answer the question itself, in the form that it asks for, by what you found. Leave out how "
          "you came to it."};
  return prompts;
}

std::vector<Turn> explore_turns(const ThoughtPrompts& prompts, std::string_view question) {
  std::string content(question);
  if (!prompts.explore.empty()) content.append("\n\n").append(prompts.explore);
  return {{"user", std::move(content)}};
}

std::vector<Turn> refine_turns(const ThoughtPrompts& prompts, std::string_view question,
                               std::string_view thought) {
  std::vector<Turn> turns = explore_turns(prompts, question);
  turns.push_back({"assistant", std::string(thought)});
  turns.push_back({"user", prompts.refine});
  return turns;
}

std::vector<Turn> answer_turns(const ThoughtPrompts& prompts, std::string_view question,
                               std::string_view thought) {
  std::vector<Turn> turns = explore_turns(prompts, question);
  turns.push_back({"assistant", std::string(thought)});
  turns.push_back({"user", prompts.answer});
  return turns;
}

std::vector<Turn> merge_turns(const ThoughtPrompts& prompts, std::string_view question,
                              std::string_view better, std::string_view other) {
  constexpr std::string_view kPlace = "{other}";
  std::vector<Turn> turns = explore_turns(prompts, question);
  turns.push_back({"assistant", std::string(better)});
  std::string words = prompts.merge;
  if (const std::size_t at = words.find(kPlace); at != std::string::npos) {
    words.replace(at, kPlace.size(), other);
  } else {
    words.append("\n\n").append(other);
  }
  turns.push_back({"user", std::move(words)});
  return turns;
}

}  // namespace sovereign::runtime
