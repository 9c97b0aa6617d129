// How two final answers (final_answer.h) are compared: by what is left without spelling.
//
// Words and numbers (words.h) in lower case, joined by a space; thousands separators are left out, articles
// too when something else remains ("A" may be a choice), and ".5" is "0.5". Signs that change what is said
// stay:
//   a minus before an operand    "-5", "-$5", "−5", "-x"; not a bullet, nor a hyphen between words
//   between operands             + / ^, and a minus beside a number: "5 - 3", "2020-2021"
//   comparisons                  < > <= >= = !=, and ≤ ≥ ≠; not arrows
// Other marks, currencies and percent signs do not count.
#pragma once

#include <string>
#include <string_view>

namespace sovereign::omega {

// Empty when there is nothing in it to compare.
std::string normalized_answer(std::string_view answer);

// Whether both say the same. What has an empty normal form equals nothing.
bool answers_equal(std::string_view a, std::string_view b);

}  // namespace sovereign::omega
