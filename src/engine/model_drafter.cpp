#include "engine/model_drafter.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cassert>

#include "engine/decoder.h"
#include "engine/llama_model.h"

namespace sovereign::engine {

namespace {

// A guess that the small model itself gives less than this is not worth a row of the large one.
constexpr double kLeastConfidence = 0.4;

}  // namespace

result<std::unique_ptr<ModelDrafter>> ModelDrafter::create(std::shared_ptr<const LlamaModel> model,
                                                           const EngineConfig& config,
                                                           std::uint32_t vocabulary_size, Decoder& target,
                                                           const Clock& clock) {
  EngineConfig own = config;
  own.max_cached_prefixes = 0;
  own.speculation = Speculation::off;
  auto decoder = Decoder::create(*model, own, &target);
  if (!decoder) return fail(decoder.error());
  return std::unique_ptr<ModelDrafter>(
      new ModelDrafter(std::move(model), std::move(*decoder), own, vocabulary_size, clock));
}

ModelDrafter::ModelDrafter(std::shared_ptr<const LlamaModel> model, std::unique_ptr<Decoder> decoder,
                           const EngineConfig& config, std::uint32_t vocabulary_size, const Clock& clock)
    : model_(std::move(model)),
      decoder_(std::move(decoder)),
      config_(config),
      vocabulary_size_(std::min(vocabulary_size, model_->info().vocabulary_size)),
      clock_(clock),
      free_cells_(config.kv_cells) {
  for (Slot slot = config.max_sequences; slot > 0; --slot) free_slots_.push_back(slot - 1);
}

ModelDrafter::~ModelDrafter() = default;

void ModelDrafter::begin(SequenceId id, std::span<const Token> prompt) {
  texts_[id].known.assign(prompt.begin(), prompt.end());
}

void ModelDrafter::append(SequenceId id, Token token) {
  const auto found = texts_.find(id);
  if (found == texts_.end()) return;
  Text& text = found->second;
  const std::size_t position = text.known.size();
  text.known.push_back(token);
  if (text.agreed == position && position < text.cached.size() && text.cached[position] == token)
    ++text.agreed;
}

void ModelDrafter::end(SequenceId id) {
  const auto found = texts_.find(id);
  if (found == texts_.end()) return;
  trim(found->second, 0);
  if (found->second.slot) free_slots_.push_back(*found->second.slot);
  texts_.erase(found);
}

Drafter::Prospect ModelDrafter::look(SequenceId id, std::uint32_t most) {
  const auto found = texts_.find(id);
  if (found == texts_.end() || (!found->second.slot && free_slots_.empty())) return {};
  return {most, 0};
}

bool ModelDrafter::take_slot(Text& text) {
  if (text.slot) return true;
  if (free_slots_.empty()) return false;
  text.slot = free_slots_.back();
  free_slots_.pop_back();
  return true;
}

void ModelDrafter::trim(Text& text, std::uint32_t length) {
  if (text.cached.size() <= length) return;
  free_cells_ += static_cast<std::uint32_t>(text.cached.size()) - length;
  text.cached.resize(length);
  text.agreed = std::min(text.agreed, length);
  decoder_->apply({KvOp::Kind::trim, *text.slot, length, 0});
}

void ModelDrafter::add_row(Text& text, Token token, bool wants_logits) {
  assert(free_cells_ > 0);
  --free_cells_;
  rows_.push_back(
      {0, *text.slot, token, static_cast<std::uint32_t>(text.cached.size()), wants_logits, false});
  text.cached.push_back(token);
}

// The rows of what each text gained since its last draft, the last known token among them, so that there are
// logits to guess from. One whose rows do not all fit goes on in the next step.
std::vector<ModelDrafter::Guessing> ModelDrafter::catch_up(std::span<const Wish> wishes) {
  std::vector<Guessing> guessing;
  std::uint32_t reserved = 0;  // cells for the guesses of the texts that were taken; the last one needs none
  std::uint32_t budget = config_.step_token_budget;
  if (wishes.size() > 1) {
    budget = std::min(budget, config_.prefill_chunk() + static_cast<std::uint32_t>(wishes.size()));
  }
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    Text& text = texts_.at(wishes[i].id);
    if (!take_slot(text)) continue;
    const auto known = static_cast<std::uint32_t>(text.known.size());
    trim(text, std::min(text.agreed, known - 1));
    const std::uint32_t missing = known - text.agreed;
    const std::uint32_t guesses = wishes[i].tokens - 1;
    if (reserved + missing + guesses > free_cells_) continue;
    const std::uint32_t count = std::min(missing, budget);
    for (std::uint32_t row = 0; row < count; ++row) {
      add_row(text, text.known[text.agreed++], row + 1 == missing);
    }
    budget -= count;
    if (count < missing) continue;
    guessing.push_back({i, &text, rows_.size() - 1});
    reserved += guesses;
  }
  return guessing;
}

std::vector<std::vector<Token>> ModelDrafter::draft(std::span<const Wish> wishes) {
  std::vector<std::vector<Token>> drafts(wishes.size());
  rows_.clear();
  std::vector<Guessing> guessing = catch_up(wishes);
  while (!rows_.empty() && decode(wishes.size())) {
    rows_.clear();
    std::vector<Guessing> further;
    for (const Guessing& of : guessing) {
      const Token token = guess(of.row);
      if (token == kNoToken) continue;
      drafts[of.wish].push_back(token);
      if (drafts[of.wish].size() == wishes[of.wish].tokens) continue;
      add_row(*of.text, token, true);
      further.push_back({of.wish, of.text, rows_.size() - 1});
    }
    guessing = std::move(further);
  }
  return drafts;
}

Token ModelDrafter::guess(std::size_t row) {
  scan_.load(decoder_->logits(row));
  const Token token = scan_.argmax();
  if (static_cast<std::uint32_t>(token) >= vocabulary_size_) return kNoToken;
  scan_.weigh(1);
  return scan_.mass() * kLeastConfidence <= 1 ? token : kNoToken;
}

bool ModelDrafter::decode(std::size_t texts) {
  const Time began = clock_.now();
  const auto done = decoder_->decode(rows_);
  if (done) {
    // A step that reads much new text is no measure of one more token.
    const Duration took = clock_.now() - began;
    if (rows_.size() > 2 * texts) return true;
    token_time_ = token_time_ == Duration::zero() ? took : (token_time_ * 7 + took) / 8;
    return true;
  }
  spdlog::warn("engine: the draft model: {}", done.error().message);
  forget_everything();
  return false;
}

void ModelDrafter::forget_everything() {
  for (auto& [id, text] : texts_) trim(text, 0);
}

}  // namespace sovereign::engine
