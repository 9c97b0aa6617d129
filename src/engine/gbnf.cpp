#include "engine/gbnf.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "engine/text_stream.h"

namespace sovereign::engine {
namespace {

using Kind = GbnfElement::Kind;
constexpr std::uint64_t kNoMaximum = std::numeric_limits<std::uint64_t>::max();

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Thrown and caught within this file: a parser of a dozen mutually recursive functions reads better so.
struct SyntaxError {
  std::string why;
  bool at_a_line = true;
};

class Parser {
 public:
  Parser(std::string_view text, const TokenLookup& token_of, const GbnfLimits& limits)
      : text_(text), token_of_(token_of), limits_(limits) {}

  GbnfRules parse() {
    skip_space(true);
    while (!at_end()) parse_rule();
    const auto root = ids_.find("root");
    if (root == ids_.end()) throw SyntaxError{"it has no rule 'root'", false};
    for (const auto& [name, id] : ids_) {
      if (!bodies_[id].defined) throw SyntaxError{fmt::format("the rule '{}' is not defined", name), false};
    }
    return flatten(root->second);
  }

  std::size_t line() const {
    const auto read = text_.substr(0, std::min(at_, text_.size()));
    return 1 + static_cast<std::size_t>(std::count(read.begin(), read.end(), '\n'));
  }

 private:
  struct Body {
    std::vector<GbnfElement> elements;  // alternatives, each closed by `end`
    bool defined = false;
  };

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) throw SyntaxError{fmt::format("'{}' is missing", c)};
  }

  void skip_space(bool newlines) {
    while (!at_end()) {
      const char c = text_[at_];
      if (c == '#') {
        while (!at_end() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string_view parse_name() {
    const std::size_t begin = at_;
    while (is_word(peek())) ++at_;
    if (at_ == begin) throw SyntaxError{"a rule's name is missing"};
    return text_.substr(begin, at_ - begin);
  }

  std::uint64_t parse_number() {
    const std::size_t begin = at_;
    std::uint64_t number = 0;
    while (peek() >= '0' && peek() <= '9') {
      number = number * 10 + static_cast<std::uint64_t>(text_[at_++] - '0');
      if (number > std::numeric_limits<std::uint32_t>::max()) throw SyntaxError{"a number is too large"};
    }
    if (at_ == begin) throw SyntaxError{"a number is missing"};
    return number;
  }

  std::uint32_t parse_hex(int digits) {
    std::uint32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const int digit = hex_value(peek());
      if (digit < 0) throw SyntaxError{fmt::format("an escape needs {} hexadecimal digits", digits)};
      value = value * 16 + static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return value;
  }

  // One character of a literal or class; the text is valid UTF-8.
  std::uint32_t parse_char() {
    if (at_end()) throw SyntaxError{"the text ends within quotes or brackets"};
    const auto byte = static_cast<unsigned char>(text_[at_++]);
    if (byte == '\\') return parse_escape();
    if (byte < 0x80) return byte;
    const int more = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
    std::uint32_t value = byte & (0x3FU >> more);
    for (int i = 0; i < more && !at_end(); ++i) {
      value = value << 6 | (static_cast<unsigned char>(text_[at_++]) & 0x3FU);
    }
    return value;
  }

  std::uint32_t parse_escape() {
    const char c = peek();
    ++at_;
    switch (c) {
      case 'x': return parse_hex(2);
      case 'u': return parse_hex(4);
      case 'U': return parse_hex(8);
      case 't': return '\t';
      case 'r': return '\r';
      case 'n': return '\n';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-': return static_cast<std::uint32_t>(c);
      default: throw SyntaxError{"an escape is not known"};
    }
  }

  std::uint32_t rule_id(const std::string& name) {
    const auto [found, added] = ids_.emplace(name, static_cast<std::uint32_t>(bodies_.size()));
    if (added) bodies_.emplace_back();
    return found->second;
  }

  std::uint32_t nameless_rule() {
    bodies_.emplace_back();
    return static_cast<std::uint32_t>(bodies_.size() - 1);
  }

  void define(std::uint32_t id, std::vector<GbnfElement> elements) {
    count(elements.size());
    bodies_[id] = {std::move(elements), true};
  }

  void count(std::size_t elements) {
    elements_ += elements;
    if (elements_ > limits_.elements_max) {
      throw SyntaxError{fmt::format("it has more than {} symbols when its repetitions are written out",
                                    limits_.elements_max)};
    }
  }

  void parse_rule() {
    const std::uint32_t id = rule_id(std::string(parse_name()));
    skip_space(false);
    if (text_.substr(at_, 3) != "::=") throw SyntaxError{"'::=' is missing"};
    at_ += 3;
    skip_space(true);
    define(id, parse_alternatives(0));
    if (!at_end() && peek() != '\n' && peek() != '\r') throw SyntaxError{"the end of the line is missing"};
    skip_space(true);
  }

  std::vector<GbnfElement> parse_alternatives(std::size_t depth) {
    if (depth > limits_.nesting_max) {
      throw SyntaxError{fmt::format("parentheses are nested more than {} deep", limits_.nesting_max)};
    }
    std::vector<GbnfElement> body;
    parse_sequence(depth, body);
    while (take('|')) {
      body.push_back({});
      skip_space(true);
      parse_sequence(depth, body);
    }
    body.push_back({});
    return body;
  }

  void parse_sequence(std::size_t depth, std::vector<GbnfElement>& body) {
    std::size_t item = body.size();  // start of what a repetition repeats
    while (!at_end()) {
      const char c = peek();
      if (c == '*' || c == '+' || c == '?' || c == '{') {
        const auto [least, most] = parse_counts();
        repeat(body, item, least, most);
        item = body.size();
        skip_space(depth > 0);
        continue;
      }
      const std::size_t begin = body.size();
      if (c == '"') {
        ++at_;
        while (peek() != '"' || at_end()) body.push_back({Kind::character, parse_char()});
        ++at_;
      } else if (c == '[') {
        parse_class(body);
      } else if (c == '.') {
        ++at_;
        body.push_back({Kind::any, 0});
      } else if (c == '<' || c == '!') {
        parse_token(body);
      } else if (c == '(') {
        ++at_;
        skip_space(true);
        const std::uint32_t id = nameless_rule();
        define(id, parse_alternatives(depth + 1));
        expect(')');
        body.push_back({Kind::rule, id});
      } else if (is_word(c)) {
        body.push_back({Kind::rule, rule_id(std::string(parse_name()))});
      } else {
        return;
      }
      item = begin;
      skip_space(depth > 0);
    }
  }

  void parse_class(std::vector<GbnfElement>& body) {
    expect('[');
    GbnfCharClass made{static_cast<std::uint32_t>(rules_.ranges.size()), 0, take('^')};
    while (peek() != ']' || at_end()) {
      const std::uint32_t low = parse_char();
      std::uint32_t high = low;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        high = parse_char();
      }
      rules_.ranges.push_back({low, high});
      ++made.range_count;
    }
    expect(']');
    count(made.range_count);
    rules_.classes.push_back(made);
    body.push_back({Kind::char_class, static_cast<std::uint32_t>(rules_.classes.size() - 1)});
  }

  void parse_token(std::vector<GbnfElement>& body) {
    const Kind kind = take('!') ? Kind::token_not : Kind::token;
    const std::size_t begin = at_;
    expect('<');
    if (take('[')) {
      const std::uint64_t id = parse_number();
      expect(']');
      expect('>');
      body.push_back({kind, static_cast<std::uint32_t>(id)});
      return;
    }
    const std::size_t end = text_.find('>', at_);
    if (end == std::string_view::npos) throw SyntaxError{"'>' is missing"};
    at_ = end + 1;
    const std::string_view name = text_.substr(begin, at_ - begin);
    const std::optional<Token> token = token_of_(name);
    if (!token) throw SyntaxError{fmt::format("'{}' is not one token of this model", name)};
    body.push_back({kind, static_cast<std::uint32_t>(*token)});
  }

  std::pair<std::uint64_t, std::uint64_t> parse_counts() {
    if (take('*')) return {0, kNoMaximum};
    if (take('+')) return {1, kNoMaximum};
    if (take('?')) return {0, 1};
    expect('{');
    skip_space(false);
    const std::uint64_t least = parse_number();
    std::uint64_t most = least;
    skip_space(false);
    if (take(',')) {
      skip_space(false);
      most = peek() == '}' ? kNoMaximum : parse_number();
      skip_space(false);
    }
    expect('}');
    if (most < least) throw SyntaxError{"a repetition's maximum is below its minimum"};
    if (least > limits_.repetitions_max || (most != kNoMaximum && most > limits_.repetitions_max)) {
      throw SyntaxError{fmt::format("a repetition is larger than {}", limits_.repetitions_max)};
    }
    return {least, most};
  }

  // x{m,n} becomes x m times, then a rule that has x and what is left of n, or nothing; x{m,} one that has x
  // and itself, or nothing.
  void repeat(std::vector<GbnfElement>& body, std::size_t item, std::uint64_t least, std::uint64_t most) {
    if (item == body.size()) throw SyntaxError{"there is nothing to repeat"};
    const std::vector<GbnfElement> once(body.begin() + static_cast<std::ptrdiff_t>(item), body.end());
    body.resize(item);
    count(once.size() * least);
    for (std::uint64_t i = 0; i < least; ++i) body.insert(body.end(), once.begin(), once.end());
    const std::uint64_t optional = most == kNoMaximum ? 1 : most - least;
    if (optional == 0) return;
    std::uint32_t rest = 0;
    for (std::uint64_t i = 0; i < optional; ++i) {
      const std::uint32_t id = nameless_rule();
      std::vector<GbnfElement> rule = once;
      if (most == kNoMaximum) rule.push_back({Kind::rule, id});
      if (most != kNoMaximum && i > 0) rule.push_back({Kind::rule, rest});
      rule.push_back({});
      rule.push_back({});
      define(id, std::move(rule));
      rest = id;
    }
    body.push_back({Kind::rule, rest});
  }

  GbnfRules flatten(std::uint32_t root) {
    rules_.root = root;
    for (const Body& body : bodies_) {
      rules_.first_alternative.push_back(static_cast<std::uint32_t>(rules_.alternatives.size()));
      bool starts = true;
      for (const GbnfElement& element : body.elements) {
        if (starts) rules_.alternatives.push_back(static_cast<std::uint32_t>(rules_.elements.size()));
        rules_.elements.push_back(element);
        starts = element.kind == Kind::end;
      }
    }
    rules_.first_alternative.push_back(static_cast<std::uint32_t>(rules_.alternatives.size()));
    return std::move(rules_);
  }

  std::string_view text_;
  const TokenLookup& token_of_;
  const GbnfLimits& limits_;
  std::size_t at_ = 0;
  std::size_t elements_ = 0;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<Body> bodies_;
  GbnfRules rules_;
};

}  // namespace

bool GbnfRules::matches(std::uint32_t position, std::uint32_t code_point) const {
  return matches_some(position, code_point, code_point);
}

bool GbnfRules::matches_some(std::uint32_t position, std::uint32_t low, std::uint32_t high) const {
  const GbnfElement& element = elements[position];
  if (element.kind == Kind::character) return low <= element.value && element.value <= high;
  if (element.kind == Kind::any) return true;
  if (element.kind != Kind::char_class) return false;
  const GbnfCharClass& of = classes[element.value];
  for (std::uint32_t i = of.first_range; i < of.first_range + of.range_count; ++i) {
    // Of a negated class some of [low, high] may be left unless one range covers all of it.
    if (of.negated ? ranges[i].low <= low && high <= ranges[i].high
                   : ranges[i].low <= high && low <= ranges[i].high) {
      return !of.negated;
    }
  }
  return of.negated;
}

result<GbnfRules> parse_gbnf(std::string_view text, const TokenLookup& token_of, const GbnfLimits& limits) {
  const auto bad = [](std::string why) { return fail(ErrorCode::invalid_argument, std::move(why)); };
  if (text.size() > limits.text_bytes_max) {
    return bad(fmt::format("it has {} bytes; at most {} can be used", text.size(), limits.text_bytes_max));
  }
  if (text.find('\0') != std::string_view::npos) return bad("it holds a NUL byte");
  if (to_valid_utf8(text) != text) return bad("it is not valid UTF-8");
  Parser parser(text, token_of, limits);
  try {
    GbnfRules rules = parser.parse();
    if (find_left_recursion(rules)) return bad("a rule can begin with itself (left recursion)");
    return rules;
  } catch (const SyntaxError& error) {
    return bad(error.at_a_line ? fmt::format("line {}: {}", parser.line(), error.why) : error.why);
  }
}

}  // namespace sovereign::engine
