#include "gateway/complexity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace sovereign::gateway {
namespace {

constexpr std::size_t kMaxReadBytes = 64 * 1024;

// Words that ask for work, lower case; found as beginnings of words ("comparing", "analysed").
constexpr std::array<std::string_view, 30> kWorkWords = {
    "why",       "prove",        "proof",     "deriv",         "compar",     "contrast",
    "analy",     "evaluat",      "explain",   "reason",        "refactor",   "debug",
    "optimi",    "implement",    "design",    "architect",     "algorithm",  "theorem",
    "trade-off", "tradeoff",     "strateg",   "summari",       "translat",   "calculat",
    "estimat",   "step by step", "in detail", "pros and cons", "root cause", "write a"};
constexpr std::size_t kMaxWorkWords = 3;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

bool has_word(const std::string& text, std::string_view beginning) {
  for (std::size_t at = text.find(beginning); at != std::string::npos; at = text.find(beginning, at + 1)) {
    if (at == 0 || !is_letter(text[at - 1])) return true;
  }
  return false;
}

// Where `value` lies between `low` and `high`, by logarithm: 0 to 1.
double position(double value, double low, double high) {
  if (value <= low) return 0;
  return std::min(1.0, std::log2(value / low) / std::log2(high / low));
}

bool has_code_or_maths(std::string_view text) {
  if (text.find("```") != std::string_view::npos) return true;
  constexpr std::string_view kSymbols = "{}[]<>=\\^|_;$";
  constexpr std::size_t kMany = 6;
  std::size_t symbols = 0;
  for (const char c : text) {
    if (kSymbols.find(c) != std::string_view::npos && ++symbols == kMany) return true;
  }
  return false;
}

}  // namespace

std::uint32_t estimate_complexity(const QueryTraits& traits) {
  std::string question(traits.question.substr(0, kMaxReadBytes));
  std::transform(question.begin(), question.end(), question.begin(), lower);
  const auto bytes = static_cast<double>(std::max(traits.conversation_bytes, question.size()));
  double score = 30 * position(bytes, 256, 64 * 1024);
  std::size_t words = 0;
  for (const auto beginning : kWorkWords) {
    if (words < kMaxWorkWords && has_word(question, beginning)) ++words;
  }
  score += 10 * static_cast<double>(words);
  if (has_code_or_maths(question)) score += 15;
  score += 15 * position(traits.max_tokens, 256, 4096);
  if (traits.has_tools) score += 5;
  if (traits.has_format) score += 5;
  if (traits.require_reasoning) score += 30;
  return std::min(kMaxComplexity, static_cast<std::uint32_t>(score + 0.5));
}

}  // namespace sovereign::gateway
