// Drafts by a smaller model: greedy tokens from a llama.cpp context of its own, whose KV cache follows the
// texts.
//
// Each sequence's cells hold its known text and what was last guessed; guesses that came true stay, others
// are let go at the next draft. What a text gained without its drafts is computed first, a long prompt in
// pieces, a piece for each step, during which the sequence has no drafts. Nothing is shared between
// sequences.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/drafter.h"
#include "engine/engine_config.h"
#include "engine/row_scan.h"

namespace sovereign::engine {

class Decoder;
class LlamaModel;

class ModelDrafter final : public Drafter {
 public:
  // `config` is the engine's; the draft model gets as many cells and sequences. `vocabulary_size` is the
  // target's, on whose threads it computes; the clock outlives it. Errors: as Decoder::create().
  static result<std::unique_ptr<ModelDrafter>> create(std::shared_ptr<const LlamaModel> model,
                                                      const EngineConfig& config,
                                                      std::uint32_t vocabulary_size, Decoder& target,
                                                      const Clock& clock);
  ~ModelDrafter() override;

  void begin(SequenceId id, std::span<const Token> prompt) override;
  void append(SequenceId id, Token token) override;
  void end(SequenceId id) override;
  Prospect look(SequenceId id, std::uint32_t most) override;
  std::vector<std::vector<Token>> draft(std::span<const Wish> wishes) override;
  Duration token_time() const override { return token_time_; }

 private:
  struct Text {
    std::vector<Token> known;
    std::vector<Token> cached;  // in the KV cache: a beginning of `known`, then guesses
    std::uint32_t agreed = 0;   // of `cached`, tokens that are known
    std::optional<Slot> slot;
  };
  struct Guessing {
    std::size_t wish;
    Text* text;
    std::size_t row;  // whose logits give the next guess
  };

  ModelDrafter(std::shared_ptr<const LlamaModel> model, std::unique_ptr<Decoder> decoder,
               const EngineConfig& config, std::uint32_t vocabulary_size, const Clock& clock);
  bool take_slot(Text& text);
  void trim(Text& text, std::uint32_t length);
  void add_row(Text& text, Token token, bool wants_logits);
  std::vector<Guessing> catch_up(std::span<const Wish> wishes);
  // The token of one row; kNoToken when it is unsure, or no token of the target's.
  Token guess(std::size_t row);
  bool decode(std::size_t texts);
  void forget_everything();

  std::shared_ptr<const LlamaModel> model_;
  std::unique_ptr<Decoder> decoder_;
  const EngineConfig config_;
  const std::uint32_t vocabulary_size_;
  const Clock& clock_;
  Duration token_time_{};
  std::unordered_map<SequenceId, Text> texts_;
  std::vector<Slot> free_slots_;
  std::uint32_t free_cells_;
  std::vector<Row> rows_;
  RowScan scan_;
};

}  // namespace sovereign::engine
