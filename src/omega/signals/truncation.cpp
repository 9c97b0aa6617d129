#include "omega/signals/truncation.h"

#include <array>
#include <cstddef>

namespace sovereign::omega {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
// A line with this many words and no mark at its end is a sentence that was broken off.
constexpr std::size_t kSentenceWords = 8;

std::string_view trim_end(std::string_view text) {
  const std::size_t last = text.find_last_not_of(kBlank);
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

bool ends_with_any(std::string_view text, std::span<const std::string_view> tails) {
  for (const std::string_view tail : tails) {
    if (text.ends_with(tail)) return true;
  }
  return false;
}

// Inside a ``` fence at the end.
bool fence_is_open(std::string_view text) {
  bool open = false;
  for (std::size_t line = 0; line < text.size();) {
    std::size_t begin = text.find_first_not_of(" \t", line);
    if (begin != std::string_view::npos && text.compare(begin, 3, "```") == 0) open = !open;
    const std::size_t end = text.find('\n', line);
    if (end == std::string_view::npos) break;
    line = end + 1;
  }
  return open;
}

// Of a text that begins like JSON: a bracket or a string is not closed.
bool json_is_open(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos || (text[begin] != '{' && text[begin] != '[')) return false;
  long depth = 0;
  bool in_string = false;
  for (std::size_t at = begin; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
  }
  return in_string || depth > 0;
}

// A straight quotation mark after a digit measures inches or minutes and opens nothing.
bool quotation_is_open(std::string_view text) {
  bool open = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"' && !(at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9' && !open)) open = !open;
  }
  return open;
}

std::size_t count_words(std::string_view line) {
  std::size_t words = 0;
  bool in_word = false;
  for (const char c : line) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank && !in_word) ++words;
    in_word = !blank;
  }
  return words;
}

// Words after which something must come.
bool last_word_leads_on(std::string_view line) {
  static constexpr std::array<std::string_view, 30> kLeading = {
      "the",   "a",       "an",  "and",  "or",   "but", "of",    "to",   "in",   "on",
      "at",    "by",      "for", "with", "from", "is",  "are",   "was",  "were", "that",
      "which", "because", "if",  "as",   "than", "its", "their", "your", "into", "not"};
  const std::size_t space = line.find_last_of(" \t");
  const std::string_view word = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
  for (const std::string_view leading : kLeading) {
    if (word == leading) return true;
  }
  return false;
}

}  // namespace

bool ends_like_an_end(std::string_view text) {
  text = trim_end(text);
  if (text.empty()) return false;
  if (fence_is_open(text) || json_is_open(text)) return false;
  if (text.ends_with("```") || text.ends_with('}') || text.ends_with(']')) return true;
  if (quotation_is_open(text)) return false;

  static constexpr std::array<std::string_view, 11> kClosers = {
      "*", "_", "`", "\"", "'", ")", "\xE2\x80\x99", "\xE2\x80\x9D", "\xC2\xBB", "|", "</s>"};
  static constexpr std::array<std::string_view, 8> kEnds = {
      ".", "!", "?", "\xE2\x80\xA6", "\xE3\x80\x82", "\xEF\xBC\x81", "\xEF\xBC\x9F", "\xD8\x9F"};
  static constexpr std::array<std::string_view, 5> kLinks = {",", ";", ":", "(", " -"};
  std::string_view line = text.substr(text.find_last_of('\n') + 1);
  for (bool stripped = true; stripped;) {
    stripped = false;
    for (const std::string_view closer : kClosers) {
      if (!line.ends_with(closer)) continue;
      line = trim_end(line.substr(0, line.size() - closer.size()));
      stripped = true;
    }
  }
  if (ends_with_any(line, kEnds)) return true;
  if (ends_with_any(line, kLinks) || last_word_leads_on(line)) return false;
  return count_words(line) < kSentenceWords;
}

double completeness(std::string_view answer, Ending ending) {
  if (ending == Ending::interrupted || trim_end(answer).empty()) return 0.0;
  const bool ended = ends_like_an_end(answer);
  if (ending == Ending::length) return ended ? 0.5 : 0.0;
  return ended ? 1.0 : 0.5;
}

}  // namespace sovereign::omega
