#include "omega/final_answer.h"

#include <array>

namespace sovereign::omega {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
// Emphasis and quotation around an answer, and what introduces it.
constexpr std::string_view kTrimmedFront = " \t\r\n*_`\"':=$";
constexpr std::string_view kTrimmedBack = " \t\r\n*_`\"'.,;!$";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kTrimmedFront);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kTrimmedBack) - begin + 1);
}

bool equal_without_case(std::string_view text, std::size_t at, std::string_view lower_case) {
  if (at + lower_case.size() > text.size()) return false;
  for (std::size_t i = 0; i < lower_case.size(); ++i) {
    const char c = text[at + i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower_case[i]) return false;
  }
  return true;
}

// What stands in the last \boxed{…}, braces inside it balanced.
std::optional<std::string_view> boxed(std::string_view text) {
  constexpr std::string_view kOpen = "\\boxed{";
  const std::size_t found = text.rfind(kOpen);
  if (found == std::string_view::npos) return std::nullopt;
  const std::size_t begin = found + kOpen.size();
  int depth = 1;
  for (std::size_t at = begin; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && --depth == 0) return text.substr(begin, at - begin);
  }
  return std::nullopt;
}

// Where the answer begins that the last "answer:" or "answer is" introduces.
std::optional<std::size_t> after_marker(std::string_view text) {
  constexpr std::string_view kWord = "answer";
  constexpr std::array<std::string_view, 5> kLinks = {":", "**:", ":**", " is:", " is "};
  std::optional<std::size_t> last;
  for (std::size_t at = 0; at + kWord.size() < text.size(); ++at) {
    if (!equal_without_case(text, at, kWord)) continue;
    for (const std::string_view link : kLinks) {
      if (!equal_without_case(text, at + kWord.size(), link)) continue;
      last = at + kWord.size() + link.size();
      break;
    }
  }
  return last;
}

}  // namespace

std::optional<std::string_view> final_answer(std::string_view text) {
  if (const auto in_box = boxed(text)) {
    if (const std::string_view answer = trim(*in_box); !answer.empty()) return answer;
  }
  if (const auto begin = after_marker(text)) {
    std::string_view rest = text.substr(*begin);
    // The marker may stand on a line of its own, above the answer.
    const std::size_t first = rest.find_first_not_of(kTrimmedFront);
    if (first == std::string_view::npos) return std::nullopt;
    rest = rest.substr(first);
    if (const std::string_view answer = trim(rest.substr(0, rest.find('\n'))); !answer.empty()) return answer;
  }
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return std::nullopt;
  for (const std::string_view word : {std::string_view("yes"), std::string_view("no")}) {
    if (!equal_without_case(text, begin, word)) continue;
    const std::size_t end = begin + word.size();
    if (end == text.size() || std::string_view(" ,.!;:\n").find(text[end]) != std::string_view::npos) {
      if (end < text.size() && text[end] == ' ') continue;  // "No man is an island"
      return text.substr(begin, word.size());
    }
  }
  return std::nullopt;
}

}  // namespace sovereign::omega
