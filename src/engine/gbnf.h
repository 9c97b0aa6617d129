// A grammar in GBNF (llama.cpp's dialect of BNF), parsed and checked, ready to be followed.
//
// GBNF's description is llama.cpp's grammars/README.md. The parser is our own because grammars come from
// whoever sends a request: llama.cpp's recurses as deep as the text nests, its check for left recursion takes
// exponential time on a few hundred bytes, and neither has a bound. Here nesting, size and repetitions are
// bounded, and everything else is linear in the size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/token.h"

namespace sovereign::engine {

// One symbol of a rule's right side.
struct GbnfElement {
  enum class Kind : std::uint8_t {
    end,         // of an alternative
    rule,        // value: index of the rule
    character,   // value: code point
    any,         // any character
    char_class,  // value: index into GbnfRules::classes
    token,       // value: token id; matches that token as a whole
    token_not,   // value: token id; matches any other token as a whole
  };
  Kind kind = Kind::end;
  std::uint32_t value = 0;
};

struct GbnfCharClass {
  std::uint32_t first_range = 0;  // into GbnfRules::ranges
  std::uint32_t range_count = 0;
  bool negated = false;
};

struct GbnfCharRange {
  std::uint32_t low = 0;
  std::uint32_t high = 0;  // inclusive
};

// Immutable once parsed. A position is an index into `elements`; an alternative runs from its start to the
// next `end`.
struct GbnfRules {
  std::vector<GbnfElement> elements;
  std::vector<std::uint32_t> alternatives;       // starts, those of a rule one after another
  std::vector<std::uint32_t> first_alternative;  // of each rule; one more at the end
  std::vector<GbnfCharClass> classes;
  std::vector<GbnfCharRange> ranges;
  std::uint32_t root = 0;

  std::size_t rule_count() const { return first_alternative.size() - 1; }
  bool ends_at(std::uint32_t position) const { return elements[position].kind == GbnfElement::Kind::end; }
  // Whether the symbol at `position`, which is not a rule nor a token, matches the code point.
  bool matches(std::uint32_t position, std::uint32_t code_point) const;
  // Whether it matches some code point of [low, high].
  bool matches_some(std::uint32_t position, std::uint32_t low, std::uint32_t high) const;
};

struct GbnfLimits {
  std::size_t text_bytes_max = 512 * 1024;
  std::size_t nesting_max = 128;            // of parentheses
  std::uint64_t repetitions_max = 100'000;  // in one {m,n}
  std::size_t elements_max = 1'000'000;     // after repetitions are written out; 8 bytes each
};

// The id of the one token that `text` (e.g. "<|call|>") is; absent when it is not one.
using TokenLookup = std::function<std::optional<Token>(std::string_view text)>;

// Errors: invalid_argument, naming the line: syntax, a rule that is not there, no rule `root`, left
// recursion, a limit.
result<GbnfRules> parse_gbnf(std::string_view text, const TokenLookup& token_of,
                             const GbnfLimits& limits = {});

// Names a rule that can begin with itself and has more to come after it, so that following it would never
// end; absent: none. Linear in the size of the grammar.
std::optional<std::uint32_t> find_left_recursion(const GbnfRules& rules);

}  // namespace sovereign::engine
