#include "engine/schema_pattern.h"

#include <cstdint>

namespace sovereign::engine {
namespace {

constexpr std::size_t kMaxBytes = 1024;
constexpr int kMaxNesting = 64;

// These would have to be escaped within a JSON string, which the converter does not do: the answer would be
// no JSON any more.
bool breaks_json(unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; }
bool range_breaks_json(unsigned char low, unsigned char high) {
  return low < 0x20 || (low <= '"' && '"' <= high) || (low <= '\\' && '\\' <= high);
}

class Reader {
 public:
  explicit Reader(std::string_view pattern) : pattern_(pattern) {}

  std::optional<std::string> why_not() {
    if (pattern_.size() > kMaxBytes) return "is longer than 1024 bytes";
    if (pattern_.size() < 2 || pattern_.front() != '^' || pattern_.back() != '$' ||
        pattern_.ends_with("\\$")) {
      return "must begin with '^' and end with '$' to be enforced";
    }
    pattern_ = pattern_.substr(1, pattern_.size() - 2);
    while (at_ < pattern_.size()) {
      if (auto why = next()) return why;
    }
    return depth_ == 0 ? std::nullopt : std::optional<std::string>("has parentheses that do not match");
  }

 private:
  std::optional<std::string> next() {
    const char c = pattern_[at_++];
    switch (c) {
      case '(':
        if (pattern_.substr(at_, 1) == "?") {
          if (pattern_.substr(at_, 2) != "?:") return "has a kind of group that is not enforced";
          at_ += 2;
        }
        if (++depth_ > kMaxNesting) return "is nested too deeply";
        return std::nullopt;
      case ')':
        if (--depth_ < 0) return "has parentheses that do not match";
        return std::nullopt;
      case '[': return char_class();
      case '|':
        // The converter leaves '^' and '$' to the outer alternatives, which is not what they mean.
        if (depth_ == 0) return "has alternatives outside of parentheses";
        return std::nullopt;
      case '{': return counts();
      case '.': return "has a '.', which would also match quotes; list the characters instead";
      case '^':
      case '$': return "has an anchor in its middle";
      case ']':
      case '}': return "has a stray bracket";
      case '\\': return escape();
      case '*':
      case '+':
      case '?': return std::nullopt;
      default:
        if (breaks_json(static_cast<unsigned char>(c))) return "has a character that JSON escapes";
        return std::nullopt;
    }
  }

  std::optional<std::string> escape() {
    if (at_ == pattern_.size()) return "ends with a backslash";
    const char c = pattern_[at_++];
    if (std::string_view("^$.[]()|{}*+?-").find(c) != std::string_view::npos) return std::nullopt;
    return "has an escape that is not enforced; list the characters instead";
  }

  // {m}, {m,} or {m,n}
  std::optional<std::string> counts() {
    const std::size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) return "has a stray bracket";
    const std::string_view inside = pattern_.substr(at_, end - at_);
    at_ = end + 1;
    const std::size_t comma = inside.find(',');
    const std::string_view least = inside.substr(0, comma);
    const std::string_view most = comma == std::string_view::npos ? "" : inside.substr(comma + 1);
    const auto is_count = [](std::string_view text) {
      return text.size() <= 4 && text.find_first_not_of("0123456789") == std::string_view::npos;
    };
    if (least.empty() || !is_count(least) || !is_count(most)) return "has a repetition that is not enforced";
    return std::nullopt;
  }

  std::optional<std::string> char_class() {
    if (pattern_.substr(at_, 1) == "^")
      return "excludes characters, which would also match quotes; list them instead";
    std::size_t members = 0;
    while (at_ < pattern_.size() && pattern_[at_] != ']') {
      if (pattern_[at_] == '[' || pattern_[at_] == '\\') return "has a character class that is not enforced";
      const auto low = static_cast<unsigned char>(pattern_[at_++]);
      if (breaks_json(low)) return "has a character that JSON escapes";
      ++members;
      if (pattern_.substr(at_, 1) != "-" || at_ + 1 >= pattern_.size() || pattern_[at_ + 1] == ']') continue;
      const auto high = static_cast<unsigned char>(pattern_[at_ + 1]);
      if (low >= 0x80 || high >= 0x80 || high < low || range_breaks_json(low, high)) {
        return "has a range of characters that is not enforced";
      }
      at_ += 2;
    }
    if (at_ == pattern_.size() || members == 0) return "has a character class that does not end";
    ++at_;
    return std::nullopt;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<std::string> why_not_enforced(std::string_view pattern) { return Reader(pattern).why_not(); }

}  // namespace sovereign::engine
