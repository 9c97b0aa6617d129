// The answer proper within a text that also holds the way there.
//
// In this order: what stands in the last \boxed{…}; what follows the last "answer:" or "answer is" to the
// line's end (markdown emphasis and the final period left out); a "Yes" or "No" that the text begins
// with and that stands alone or before a mark. Nothing else is taken for one.
// Self-consistency (Wang et al. 2022) votes on it; normalized_answer.h says which are the same.
#pragma once

#include <optional>
#include <string_view>

namespace sovereign::omega {

// A view into `text`.
std::optional<std::string_view> final_answer(std::string_view text);

}  // namespace sovereign::omega
