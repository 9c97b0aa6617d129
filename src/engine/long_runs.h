// Unbroken runs of a text, cut to what a tokenizer can take.
//
// llama.cpp splits text for most BPE vocabularies by std::regex, which calls itself for each character of a
// match: some 330 bytes of stack for each (ggml-org/llama.cpp issues 15594, 26965, 27783), so that a word of
// 30,000 letters ends a program on a stack of 8 MiB. A match is a run of blanks or of other characters, or one
// after the other, so that it is no longer than two runs. Pure.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace sovereign::engine {

struct TextRuns {
  std::vector<std::string_view> parts;  // all of the text, in order
  std::size_t longest = 0;              // characters of the longest run in a part
};

// A run: characters of which none is an ASCII blank, or none is anything else; what is not ASCII may be
// either. Cuts `utf8`, which is valid, as seldom as leaves no run of more than `most` characters, and between
// characters.
TextRuns cut_runs(std::string_view utf8, std::size_t most);

}  // namespace sovereign::engine
