#include "engine/grammar_guard.h"

#include <fmt/format.h>
#include <llama.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <exception>
#include <limits>
#include <string>
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
  // The parser reads C strings: what follows a NUL would be dropped silently.
  if (grammar.gbnf.find('\0') != std::string::npos) return bad_grammar("it holds a NUL byte");
  if (grammar.lazy && grammar.trigger_patterns.empty() && grammar.trigger_tokens.empty()) {
    return bad_grammar("it is lazy and has no trigger, so it would never start");
  }
  try {
    llama_sampler* sampler = nullptr;
    if (grammar.lazy) {
      std::vector<const char*> patterns;
      for (const std::string& pattern : grammar.trigger_patterns) patterns.push_back(pattern.c_str());
      sampler = llama_sampler_init_grammar_lazy_patterns(
          model.vocab(), grammar.gbnf.c_str(), "root", patterns.data(), patterns.size(),
          grammar.trigger_tokens.data(), grammar.trigger_tokens.size());
    } else {
      sampler = llama_sampler_init_grammar(model.vocab(), grammar.gbnf.c_str(), "root");
    }
    if (sampler == nullptr) {
      return bad_grammar("it is not valid GBNF, has no 'root' rule, or is left-recursive");
    }
    std::unique_ptr<GrammarGuard> guard(new GrammarGuard(model, sampler));
    for (const Token token : grammar.prefill) {
      if (!guard->allows(token)) return bad_grammar("it does not match how the prompt ends");
      guard->accept(token);
    }
    return guard;
  } catch (const std::exception& error) {
    return bad_grammar(error.what());
  }
}

GrammarGuard::~GrammarGuard() { llama_sampler_free(sampler_); }

bool GrammarGuard::allows(Token token) {
  if (!active_) return true;
  llama_token_data one{token, 0.0F, 0.0F};
  llama_token_data_array array{&one, 1, -1, false};
  llama_sampler_apply(sampler_, &array);
  return one.logit == 0.0F;
}

void GrammarGuard::filter(std::span<float> logits) {
  if (!active_) return;
  std::vector<llama_token_data> all;
  all.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > -std::numeric_limits<float>::infinity()) {
      all.push_back({static_cast<Token>(i), logits[i], 0.0F});
    }
  }
  llama_token_data_array array{all.data(), all.size(), -1, false};
  llama_sampler_apply(sampler_, &array);
  for (const llama_token_data& candidate : all)
    logits[static_cast<std::size_t>(candidate.id)] = candidate.logit;
}

void GrammarGuard::accept(Token token) {
  // After the end there is nothing to follow, and llama.cpp aborts on an end it does not allow.
  if (!active_ || model_.is_end_of_generation(token)) return;
  try {
    llama_sampler_accept(sampler_, token);
  } catch (const std::exception& error) {
    spdlog::warn("a grammar lost track of its output and is switched off for this sequence: {}",
                 error.what());
    active_ = false;
  }
}

}  // namespace sovereign::engine
