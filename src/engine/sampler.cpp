#include "engine/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/llama_model.h"
#include "engine/logprobs.h"

namespace sovereign::engine {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();
// Draws that a grammar may refuse before the whole vocabulary is checked: a draw costs some ten
// microseconds, the check some milliseconds.
constexpr int kMaxRefusedDraws = 16;

tl::unexpected<Error> bad(std::string_view name, std::string_view rule) {
  return fail(ErrorCode::invalid_argument, fmt::format("{} must be {}", name, rule), std::string(name));
}

result<void> check(const SamplingParams& params, std::uint32_t vocabulary_size) {
  const auto in_unit = [](float x) { return x >= 0 && x <= 1; };
  if (!std::isfinite(params.temperature)) return bad("temperature", "a finite number");
  if (!in_unit(params.top_p)) return bad("top_p", "between 0 and 1");
  if (!in_unit(params.min_p)) return bad("min_p", "between 0 and 1");
  if (!in_unit(params.typical_p)) return bad("typical_p", "between 0 and 1");
  if (!std::isfinite(params.repeat_penalty) || params.repeat_penalty <= 0 ||
      !std::isfinite(1 / params.repeat_penalty)) {
    return bad("repeat_penalty", "a finite number above 0");
  }
  if (!std::isfinite(params.frequency_penalty)) return bad("frequency_penalty", "a finite number");
  if (!std::isfinite(params.presence_penalty)) return bad("presence_penalty", "a finite number");
  if (params.penalty_last_n < -1) return bad("penalty_last_n", "-1 (all tokens), 0 (off) or more");
  if (params.top_logprobs < -1) return bad("top_logprobs", "0 or more");
  for (const auto& [token, bias] : params.logit_bias) {
    if (token < 0 || static_cast<std::uint32_t>(token) >= vocabulary_size) {
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("logit_bias: token {} is not in the vocabulary of {} tokens", token, vocabulary_size),
          "logit_bias");
    }
    if (std::isnan(bias) || bias == std::numeric_limits<float>::infinity()) {
      return bad("logit_bias", "a finite number, or -inf to ban a token");
    }
  }
  return {};
}

}  // namespace

Sampler::Sampler(const LlamaModel& model, SamplingParams params)
    : model_(model), params_(std::move(params)), random_state_(params_.seed.value_or(0)) {}

result<std::unique_ptr<Sampler>> Sampler::create(const LlamaModel& model, const SamplingParams& params,
                                                 std::span<const Token> prompt) {
  if (auto valid = check(params, model.info().vocabulary_size); !valid) return fail(valid.error());
  auto grammar = GrammarGuard::create(model, params.grammar);
  if (!grammar) return fail(grammar.error());

  std::unique_ptr<Sampler> sampler(new Sampler(model, params));
  sampler->grammar_ = std::move(*grammar);
  sampler->penalties_ =
      params.penalty_last_n != 0 &&
      (params.repeat_penalty != 1 || params.frequency_penalty != 0 || params.presence_penalty != 0);
  // Tokens that the model's file says must never be generated.
  for (const Token token : model.suppressed_tokens())
    sampler->params_.logit_bias.emplace_back(token, kBanned);
  if (sampler->penalties_) {
    std::span<const Token> tail = prompt;
    if (params.penalty_last_n > 0) {
      tail = prompt.last(std::min(prompt.size(), static_cast<std::size_t>(params.penalty_last_n)));
    }
    for (const Token token : tail) sampler->remember(token);
  }
  return sampler;
}

std::unique_ptr<Sampler> Sampler::fork(std::uint32_t seed) const {
  std::unique_ptr<Sampler> other(new Sampler(model_, params_));
  if (grammar_) other->grammar_ = grammar_->clone();
  other->params_.seed = seed;
  other->random_state_ = seed;
  other->penalties_ = penalties_;
  other->recent_ = recent_;
  other->recent_next_ = recent_next_;
  other->recent_counts_ = recent_counts_;
  return other;
}

Token Sampler::sample(std::span<float> logits) {
  assert(logits.size() == model_.info().vocabulary_size);
  apply_bias_and_penalties(logits);
  Token token = choose(logits);
  const bool scanned = changed_.empty() && scan_.is_loaded_from(logits);
  undo(logits);
  if (token == kNoToken) token = grammar_ ? model_.end_of_generation() : argmax_reference(logits);
  if (params_.log_likelihoods) log_likelihood_ = engine::log_likelihood(scan_, logits, token, scanned);
  if (params_.top_logprobs >= 0) note_logprob(logits, token);
  if (grammar_) grammar_->accept(token);
  if (grammar_ && grammar_->exhausted() && !error_) {
    error_ = Error{ErrorCode::resource_exhausted,
                   "the grammar can be read in too many ways here; make it less ambiguous", "grammar"};
  }
  if (penalties_) remember(token);
  return token;
}

bool Sampler::shows(Token token) const {
  const std::vector<Token>& visible = params_.grammar.visible_tokens;
  return std::find(visible.begin(), visible.end(), token) != visible.end();
}

void Sampler::set(std::span<float> logits, Token token, float value) {
  float& logit = logits[static_cast<std::size_t>(token)];
  changed_.push_back({token, logit});
  logit = value;
}

void Sampler::apply_bias_and_penalties(std::span<float> logits) {
  changed_.clear();
  for (const auto& [token, bias] : params_.logit_bias) {
    set(logits, token, logits[static_cast<std::size_t>(token)] + bias);
  }
  if (!penalties_) return;
  for (const auto& [token, count] : recent_counts_) {
    float logit = logits[static_cast<std::size_t>(token)];
    logit = logit <= 0 ? logit * params_.repeat_penalty : logit / params_.repeat_penalty;
    logit -= static_cast<float>(count) * params_.frequency_penalty + params_.presence_penalty;
    set(logits, token, logit);
  }
}

void Sampler::undo(std::span<float> logits) {
  // Backwards: a token that was changed twice gets its first value last.
  for (auto it = changed_.rbegin(); it != changed_.rend(); ++it) {
    logits[static_cast<std::size_t>(it->token)] = it->logit;
  }
  changed_.clear();
}

Token Sampler::choose(std::span<float> logits) {
  if (!grammar_) return draw(logits);
  for (int refused = 0; refused < kMaxRefusedDraws; ++refused) {
    const Token token = draw(logits);
    if (token == kNoToken) return kNoToken;
    if (grammar_->allows(token)) return token;
    set(logits, token, kBanned);
    if (params_.greedy() || kept_.empty()) continue;
    // A truncated choice goes on among the tokens it kept.
    std::erase_if(kept_, [&](const Candidate& candidate) { return !grammar_->allows(candidate.token); });
    if (!kept_.empty()) return draw_from_kept();
    break;
  }
  std::vector<float> allowed(logits.begin(), logits.end());
  grammar_->filter(allowed);
  return draw(allowed);
}

Token Sampler::draw(std::span<float> logits) {
  kept_.clear();
  scan_.load(logits);
  if (scan_.max() == kBanned) return kNoToken;
  if (params_.greedy()) return scan_.argmax();

  if (params_.top_k > 0 && static_cast<std::size_t>(params_.top_k) < logits.size()) {
    scan_.top_k(static_cast<std::size_t>(params_.top_k), kept_);
  } else if (params_.typical_p < 1) {
    scan_.top_k(logits.size(), kept_);
  } else if (params_.top_p < 1) {
    keep_head_of_mass(params_.top_p);
  } else if (params_.min_p > 0) {
    scan_.at_least(scan_.max() + std::log(params_.min_p), kept_);
  } else {
    scan_.weigh(std::min(1 / params_.temperature, std::numeric_limits<float>::max()));
    return scan_.at_quantile(uniform());
  }
  truncate_typical();
  truncate_top_p();
  truncate_min_p();
  return draw_from_kept();
}

Token Sampler::draw_from_kept() {
  assert(!kept_.empty());
  const float max = std::max_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) {
                      return a.logit < b.logit;
                    })->logit;
  const double scale = 1.0 / static_cast<double>(params_.temperature);
  weights_.clear();
  for (const Candidate& candidate : kept_) {
    weights_.push_back(std::exp(static_cast<double>(candidate.logit - max) * scale));
  }
  double left = uniform() * std::accumulate(weights_.begin(), weights_.end(), 0.0);
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (weights_[i] > 0) chosen = i;
    if (left < weights_[i]) break;
    left -= weights_[i];
  }
  return kept_[chosen].token;
}

// Locally typical sampling (Meister et al., TACL 2023): the tokens whose surprise is closest to the
// entropy, up to a mass of typical_p.
void Sampler::truncate_typical() {
  if (params_.typical_p >= 1 || kept_.size() < 2) return;
  const auto max = static_cast<double>(kept_.front().logit);
  double mass = 0;
  for (const Candidate& candidate : kept_) mass += std::exp(static_cast<double>(candidate.logit) - max);
  const auto log_p = [&](const Candidate& c) { return static_cast<double>(c.logit) - max - std::log(mass); };
  double entropy = 0;
  for (const Candidate& candidate : kept_) entropy -= std::exp(log_p(candidate)) * log_p(candidate);

  std::vector<std::pair<double, Candidate>> by_distance;
  by_distance.reserve(kept_.size());
  for (const Candidate& c : kept_) by_distance.emplace_back(std::abs(-log_p(c) - entropy), c);
  std::stable_sort(by_distance.begin(), by_distance.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  kept_.clear();
  double sum = 0;
  for (const auto& [distance, candidate] : by_distance) {
    kept_.push_back(candidate);
    sum += std::exp(log_p(candidate));
    if (sum > static_cast<double>(params_.typical_p)) break;
  }
  std::sort(kept_.begin(), kept_.end(), better);
}

// The fewest tokens, best first, whose mass among those kept reaches top_p.
void Sampler::truncate_top_p() {
  if (params_.top_p >= 1 || kept_.size() < 2) return;
  const auto max = static_cast<double>(kept_.front().logit);
  const auto weight = [&](const Candidate& c) { return std::exp(static_cast<double>(c.logit) - max); };
  double mass = 0;
  // keep_head_of_mass() knows the mass of the whole row, of which kept_ is a part.
  const bool whole_row = params_.top_k <= 0 && params_.typical_p >= 1;
  if (whole_row) {
    mass = scan_.mass();
  } else {
    for (const Candidate& candidate : kept_) mass += weight(candidate);
  }
  double sum = 0;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    sum += weight(kept_[i]);
    if (sum >= static_cast<double>(params_.top_p) * mass) {
      kept_.resize(i + 1);
      return;
    }
  }
}

void Sampler::truncate_min_p() {
  if (params_.min_p <= 0) return;
  float max = kBanned;
  for (const Candidate& candidate : kept_) max = std::max(max, candidate.logit);
  const float least = max + std::log(params_.min_p);
  std::erase_if(kept_, [&](const Candidate& candidate) { return candidate.logit < least; });
}

// Collects the best tokens until they hold at least p of the row's mass: a few tokens for most rows, so
// that sorting them costs next to nothing.
void Sampler::keep_head_of_mass(float p) {
  scan_.weigh(1.0F);
  for (float depth = 4;; depth *= 2) {
    const bool all = depth > 100;
    scan_.at_least(all ? kBanned : scan_.max() - depth, kept_);
    double sum = 0;
    for (const Candidate& c : kept_) sum += std::exp(static_cast<double>(c.logit - scan_.max()));
    if (all || sum >= static_cast<double>(p) * scan_.mass()) break;
  }
  std::sort(kept_.begin(), kept_.end(), better);
}

void Sampler::remember(Token token) {
  if (token < 0 || static_cast<std::uint32_t>(token) >= model_.info().vocabulary_size) return;
  ++recent_counts_[token];
  if (params_.penalty_last_n < 0) return;
  if (recent_.size() < static_cast<std::size_t>(params_.penalty_last_n)) {
    recent_.push_back(token);
    return;
  }
  const Token oldest = std::exchange(recent_[recent_next_], token);
  recent_next_ = (recent_next_ + 1) % recent_.size();
  if (--recent_counts_[oldest] == 0) recent_counts_.erase(oldest);
}

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), its upper 53 bits as a number in [0, 1).
double Sampler::uniform() {
  std::uint64_t z = random_state_ += 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1.0p-53;
}

void Sampler::note_logprob(std::span<const float> logits, Token chosen) {
  logprob_ = token_logprob(model_, scan_, logits, chosen, static_cast<std::uint32_t>(params_.top_logprobs));
}

}  // namespace sovereign::engine
