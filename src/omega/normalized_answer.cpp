#include "omega/normalized_answer.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "omega/words.h"

namespace sovereign::omega {
namespace {

// Other ways to write the signs that count.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kSpellings = {{
    {"\xE2\x88\x92", "-"},   // U+2212, minus
    {"\xE2\x80\x93", "-"},   // U+2013, en dash
    {"\xE2\x89\xA4", "<="},  // U+2264
    {"\xE2\x89\xA5", ">="},  // U+2265
    {"\xE2\x89\xA0", "!="},  // U+2260
    {"==", "="},
}};

std::string in_ascii(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto found = std::find_if(kSpellings.begin(), kSpellings.end(), [&](const auto& spelling) {
      return text.substr(at).starts_with(spelling.first);
    });
    if (found == kSpellings.end()) {
      out.push_back(text[at++]);
    } else {
      out += found->second;
      at += found->first.size();
    }
  }
  return out;
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
// Emphasis, quotation, currency and LaTeX: what may stand between a sign and its operand.
constexpr bool is_wrapping(char c) {
  return std::string_view("*_`\"'$({[\\").find(c) != std::string_view::npos;
}
constexpr bool is_closing(char c) { return c == ')' || c == ']' || c == '}'; }

// The signs that stand between two words, or before the first, or after the last.
class Gap {
 public:
  // `text` is the whole; the gap is [begin, end) of it.
  Gap(std::string_view text, std::size_t begin, std::size_t end)
      : text_(text), begin_(begin), end_(end), has_left_(begin > 0), has_right_(end < text.size()) {}

  struct Signs {
    std::vector<std::string> between;  // each a token of its own
    bool minus = false;                // the next word is its negative
    bool point = false;                // the next word is the digits after a decimal point
  };

  Signs read() const {
    Signs signs;
    for (std::size_t at = begin_; at < end_; ++at) {
      const char c = text_[at];
      if (const std::size_t size = arrow_at(at); size > 0) {
        at += size - 1;
      } else if (c == '<' || c == '>' || c == '=' || (c == '!' && next(at) == '=')) {
        const bool two = next(at) == '=' && c != '=';
        signs.between.emplace_back(text_.substr(at, two ? 2 : 1));
        if (two) ++at;
      } else if (c == '+' || c == '/' || c == '^') {
        if (follows_operand(at) && has_right_) signs.between.emplace_back(1, c);
      } else if (c == '-') {
        take_minus(at, signs);
      }
    }
    const bool after_point = has_right_ && end_ > begin_ && text_[end_ - 1] == '.' && is_digit(text_[end_]);
    signs.point = after_point && !(has_left_ && end_ - begin_ == 1);
    return signs;
  }

 private:
  char next(std::size_t at) const { return at + 1 < end_ ? text_[at + 1] : '\0'; }

  std::size_t arrow_at(std::size_t at) const {
    if ((text_[at] == '-' || text_[at] == '=') && next(at) == '>') return 2;
    return 0;
  }

  // Whether what stands before this place, blanks aside, can be the left side of an operation.
  bool follows_operand(std::size_t at) const {
    if (!has_left_) return false;
    while (at > begin_ && is_blank(text_[at - 1])) --at;
    return at == begin_ || is_closing(text_[at - 1]);
  }

  void take_minus(std::size_t at, Signs& signs) const {
    if (!has_right_) return;
    const bool is_tight = at > 0 && !is_blank(text_[at - 1]);  // to what is on its left
    const bool leads_on = at + 1 == end_ || is_wrapping(text_[at + 1]) || text_[at + 1] == '.';
    const bool is_binary = follows_operand(at) && (is_tight || !leads_on);
    if (is_binary) {
      const bool beside_number = is_digit(text_[end_]) || is_digit(text_[begin_ - 1]) || is_tight_closing(at);
      if (beside_number) signs.between.emplace_back("-");
    } else if (leads_on && !(is_tight && text_[at - 1] == '-')) {
      signs.minus = true;
    }
  }
  bool is_tight_closing(std::size_t at) const { return at > begin_ && is_closing(text_[at - 1]); }

  const std::string_view text_;
  const std::size_t begin_;
  const std::size_t end_;
  const bool has_left_;
  const bool has_right_;
};

std::string lower_case(std::string_view word) {
  std::string lower;
  for (const char c : word) {
    if (c == ',') continue;  // of thousands
    lower.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return lower;
}

bool is_article(std::string_view word) { return word == "a" || word == "an" || word == "the"; }

std::string joined(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) {
    if (!text.empty()) text.push_back(' ');
    text += token;
  }
  return text;
}

}  // namespace

std::string normalized_answer(std::string_view answer) {
  const std::string text = in_ascii(answer);
  std::vector<std::string> all;
  std::vector<std::string> without_articles;
  std::size_t end = 0;
  for (const Word& word : words_of(text)) {
    const Gap::Signs signs = Gap(text, end, word.offset).read();
    end = word.offset + word.length;
    std::string piece = lower_case(std::string_view(text).substr(word.offset, word.length));
    if (signs.point) piece.insert(0, "0.");
    if (signs.minus) piece.insert(0, "-");
    for (auto* tokens : {&all, &without_articles}) {
      tokens->insert(tokens->end(), signs.between.begin(), signs.between.end());
    }
    if (!is_article(piece)) without_articles.push_back(piece);
    all.push_back(std::move(piece));
  }
  const Gap::Signs last = Gap(text, end, text.size()).read();
  for (auto* tokens : {&all, &without_articles}) {
    tokens->insert(tokens->end(), last.between.begin(), last.between.end());
  }
  return joined(without_articles.empty() ? all : without_articles);
}

bool answers_equal(std::string_view a, std::string_view b) {
  const std::string normal = normalized_answer(a);
  return !normal.empty() && normal == normalized_answer(b);
}

}  // namespace sovereign::omega
