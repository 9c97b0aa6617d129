// Whether the answer was carried to its end.
//
// completeness  0, 0.5 or 1, from how generation ended and how the text does.
//   interrupted, or no text at all      0
//   cut at the token limit              0.5 when the text ends like an end, else 0
//   complete or unknown                 1 when the text ends like an end, else 0.5
// 'Ends like an end': every ``` fence, bracket of JSON and quotation mark that opened is closed, and the
// last line is not in the middle of a sentence (ends with a period or the like, or holds no sentence:
// lists, numbers, names, code). JSON that is expected is checked by signals/format_compliance.h.
// Source: the finish reason is the generator's own; the rest is punctuation.
// Does not see: an answer that ends neatly too early.
// Cost: one pass, no allocation.
#pragma once

#include <span>
#include <string_view>

#include "omega/evidence.h"

namespace sovereign::omega {

double completeness(std::string_view answer, Ending ending);

// True for text that could end here.
bool ends_like_an_end(std::string_view text);

}  // namespace sovereign::omega
