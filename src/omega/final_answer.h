// The answer proper within a text that also holds the way there.
//
// In this order: what stands in the last \boxed{…}; what follows the last "answer:" or "answer is" to the
// line's end (markdown emphasis and the final period left out); a "Yes" or "No" that the text begins
// with and that stands alone or before a mark. Nothing else is taken for one.
// Self-consistency (Wang et al. 2022) votes on it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sovereign::omega {

// A view into `text`.
std::optional<std::string_view> final_answer(std::string_view text);

// How two such answers are compared: words and numbers (words.h) in lower case, joined by a space, articles
// and thousands separators left out. Minus signs and other marks do not count.
std::string normalized_answer(std::string_view answer);

}  // namespace sovereign::omega
