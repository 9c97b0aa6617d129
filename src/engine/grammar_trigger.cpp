#include "engine/grammar_trigger.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace sovereign::engine {
namespace {

// std::regex recurses once per character: a longer output without a trigger is left alone.
constexpr std::size_t kMaxOutputBytes = 16 * 1024;

// Where the first group that matched something begins, else the match.
std::size_t start_of(const std::smatch& match) {
  for (std::size_t group = 1; group < match.size(); ++group) {
    if (match.length(group) > 0) return static_cast<std::size_t>(match.position(group));
  }
  return static_cast<std::size_t>(match.position(0));
}

}  // namespace

result<GrammarTrigger> GrammarTrigger::create(const Grammar& grammar) {
  auto patterns = std::make_shared<Patterns>();
  patterns->tokens = grammar.trigger_tokens;
  for (const std::string& pattern : grammar.trigger_patterns) {
    try {
      const bool whole = pattern.starts_with('^') && pattern.ends_with('$');
      patterns->all.emplace_back(std::regex(pattern), whole);
    } catch (const std::regex_error& error) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the trigger '{}' is no regular expression: {}", pattern, error.what()));
    }
  }
  GrammarTrigger trigger;
  trigger.patterns_ = std::move(patterns);
  return trigger;
}

std::optional<GrammarTrigger::Covered> GrammarTrigger::feed(Token token, const std::string& piece) {
  const auto& tokens = patterns_->tokens;
  if (std::find(tokens.begin(), tokens.end(), token) != tokens.end()) return Covered{{token, piece}};
  if (patterns_->all.empty() || output_.size() + piece.size() > kMaxOutputBytes) return std::nullopt;
  output_ += piece;
  tokens_.emplace_back(token, output_.size());
  for (const auto& [regex, whole] : patterns_->all) {
    std::smatch match;
    if (!(whole && std::regex_match(output_, match, regex)) && !std::regex_search(output_, match, regex)) {
      continue;
    }
    const std::size_t start = start_of(match);
    Covered covered;
    std::size_t begin = 0;
    for (const auto& [each, end] : tokens_) {
      if (end > start) {
        const std::size_t from = std::max(begin, start);
        covered.emplace_back(each, output_.substr(from, end - from));
      }
      begin = end;
    }
    return covered;
  }
  return std::nullopt;
}

}  // namespace sovereign::engine
