#include "engine/grammar_guard.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/llama_model.h"

namespace sovereign::engine {
namespace {

tl::unexpected<Error> bad_grammar(std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("the grammar cannot be used: {}", why), "grammar");
}

}  // namespace

result<std::unique_ptr<GrammarGuard>> GrammarGuard::create(const LlamaModel& model, const Grammar& grammar) {
  if (grammar.gbnf.empty()) return nullptr;
  if (grammar.lazy && grammar.trigger_patterns.empty() && grammar.trigger_tokens.empty()) {
    return bad_grammar("it is lazy and has no trigger, so it would never start");
  }
  auto rules = parse_gbnf(grammar.gbnf, [&](std::string_view text) -> std::optional<Token> {
    const std::vector<Token> tokens = model.tokenize(text, false, true);
    if (tokens.size() != 1) return std::nullopt;
    return tokens.front();
  });
  if (!rules) return bad_grammar(rules.error().message);
  GrammarMatcher matcher(std::make_shared<const GbnfRules>(std::move(*rules)));
  if (matcher.exhausted()) return bad_grammar("it begins in too many ways");
  std::unique_ptr<GrammarGuard> guard(new GrammarGuard(model, std::move(matcher)));
  if (grammar.lazy) {
    auto trigger = GrammarTrigger::create(grammar);
    if (!trigger) return bad_grammar(trigger.error().message);
    guard->trigger_ = std::move(*trigger);
  }
  for (const Token token : grammar.prefill) {
    if (!guard->allows(token)) return bad_grammar("it does not match how the prompt ends");
    guard->accept(token);
  }
  return guard;
}

bool GrammarGuard::allows(Token token) {
  if (!active_ || trigger_) return true;
  if (model_.is_end_of_generation(token)) return matcher_.may_end();
  return matcher_.allows(token, model_.piece(token, true));
}

void GrammarGuard::filter(std::span<float> logits) {
  if (!active_ || trigger_) return;
  std::vector<bool> allowed(logits.size(), false);
  matcher_.for_each_allowed(model_.pieces(),
                            [&](Token token) { allowed[static_cast<std::size_t>(token)] = true; });
  const bool may_end = matcher_.may_end();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (allowed[i] || (may_end && model_.is_end_of_generation(static_cast<Token>(i)))) continue;
    logits[i] = -std::numeric_limits<float>::infinity();
  }
}

void GrammarGuard::accept(Token token) {
  // After the end there is nothing to follow.
  if (!active_ || model_.is_end_of_generation(token)) return;
  const std::string piece = model_.piece(token, true);
  bool followed = true;
  if (!trigger_) {
    followed = matcher_.accept(token, piece);
  } else if (const auto covered = trigger_->feed(token, piece)) {
    trigger_.reset();
    for (const auto& [each, text] : *covered) followed = followed && matcher_.accept(each, text);
  }
  if (followed || matcher_.exhausted()) return;
  spdlog::warn("a grammar lost track of its output and is switched off for this sequence");
  active_ = false;
}

}  // namespace sovereign::engine
