// Cuts text into words for the signals that compare texts.
//
// A word is a run of letters, digits and bytes of non-ASCII characters, with apostrophes inside; a number
// may hold '.', ',' between digits. ASCII letters count without case; thousands separators are dropped,
// so "1,000" is "1000"; a possessive 's and an English plural ending go (the S-stemmer of Harman 1991). Words
// are compared by a 64-bit FNV-1a hash of that form: a collision would change a score by a word.
// Stop words are English; in other languages each word counts as content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sovereign::omega {

enum class WordKind : std::uint8_t {
  content,
  stop,    // articles, pronouns, auxiliaries…
  number,  // begins with a digit
  name,    // capitalized, and not because a sentence begins
};

struct Word {
  std::uint64_t hash = 0;
  std::uint32_t offset = 0;  // bytes into the text
  std::uint32_t length = 0;
  WordKind kind = WordKind::content;
  bool begins_sentence = false;
};

// Text beyond 4 GiB is not looked at.
std::vector<Word> words_of(std::string_view text);

// A hash of two neighbours, in order.
constexpr std::uint64_t join_hashes(std::uint64_t first, std::uint64_t second) {
  return (first * 0x9E3779B97F4A7C15ULL + 0x632BE59BD9B4E019ULL) ^ second;
}

}  // namespace sovereign::omega
