// Whether a small model can guess tokens for a large one: token numbers must mean the same text.
#pragma once

#include <optional>
#include <string>

namespace sovereign::engine {

class LlamaModel;

// The first difference that matters, for people; none when they match. Vocabularies may differ in size by
// some padding at the end.
std::optional<std::string> vocabulary_difference(const LlamaModel& target, const LlamaModel& draft);

}  // namespace sovereign::engine
