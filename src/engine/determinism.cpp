#include "engine/determinism.h"

#include <fmt/format.h>
#include <gguf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/decoder.h"
#include "engine/llama_model.h"
#include "kernels/attention_kernels.h"
#include "kernels/ggml_weights.h"
#include "kernels/kernel_set.h"

namespace sovereign::engine {

namespace {

tl::unexpected<Error> refused(std::string why) {
  return fail(ErrorCode::unsupported, "engine.deterministic cannot be kept: " + std::move(why),
              "engine.deterministic");
}

bool has_kernels(ggml_type type) {
  constexpr std::array kOurs = {GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q8_0,
                                GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K};
  return std::find(kOurs.begin(), kOurs.end(), type) != kOurs.end();
}

struct HeaderFreer {
  void operator()(gguf_context* header) const { gguf_free(header); }
  void operator()(ggml_context* tensors) const { ggml_free(tensors); }
};

// A matrix that llama.cpp would multiply itself, in words; none: all are ours.
std::optional<std::string> foreign_matrix(const LlamaModel& model) {
  ggml_context* made = nullptr;
  const std::unique_ptr<gguf_context, HeaderFreer> header(
      gguf_init_from_file(model.path().c_str(), {.no_alloc = true, .ctx = &made}));
  const std::unique_ptr<ggml_context, HeaderFreer> tensors(made);
  if (header == nullptr) return "a file that cannot be read again";
  const bool own_head = ggml_get_tensor(made, "output.weight") != nullptr;
  for (ggml_tensor* tensor = ggml_get_first_tensor(made); tensor != nullptr;
       tensor = ggml_get_next_tensor(made, tensor)) {
    const bool looked_up = own_head && std::strcmp(tensor->name, "token_embd.weight") == 0;
    if (tensor->ne[1] == 1 || looked_up) continue;
    if (has_kernels(tensor->type) && tensor->ne[2] == 1) continue;
    return fmt::format("'{}' ({}{})", tensor->name, ggml_type_name(tensor->type),
                       tensor->ne[2] > 1 ? ", several matrices in one" : "");
  }
  return std::nullopt;
}

// The text that is probed with, and its neighbours'.
Token probe_token(std::uint32_t position, std::uint32_t text, std::uint32_t vocabulary_size) {
  return static_cast<Token>((position * 37 + text * 101 + 11) % vocabulary_size);
}

class Probe {
 public:
  Probe(Decoder& decoder, const LlamaModel& model, const EngineConfig& config)
      : decoder_(decoder),
        vocabulary_size_(model.info().vocabulary_size),
        // Past 64 rows, where ggml's own attention would change its method.
        length_(std::min({72U, config.context_tokens, config.step_token_budget, config.kv_cells / 3})),
        neighbour_slots_(config.max_sequences + config.max_cached_prefixes > 2) {}

  result<void> run() {
    auto alone = logits_after({length_ - 1, 1}, false);
    if (!alone) return fail(alone.error());
    for (const std::uint32_t piece : {1U, 7U, 40U}) {
      std::vector<std::uint32_t> pieces;
      for (std::uint32_t done = 0; done < length_; done += pieces.back()) {
        pieces.push_back(std::min(piece == 1 && done > 8 ? length_ : piece, length_ - done));
      }
      auto again = logits_after(pieces, neighbour_slots_);
      if (!again) return fail(again.error());
      if (std::memcmp(alone->data(), again->data(), alone->size() * sizeof(float)) != 0) {
        return refused("this model's results change with what else is computed in the same step");
      }
    }
    return {};
  }

 private:
  static constexpr Slot kText = 0;
  static constexpr Slot kBefore = 1;
  static constexpr Slot kBetween = 2;

  // The last row's logits with the text computed in these pieces, neighbours having their rows between.
  result<std::vector<float>> logits_after(const std::vector<std::uint32_t>& pieces, bool neighbours) {
    std::array<std::uint32_t, 3> position{};
    std::vector<float> logits;
    for (const std::uint32_t piece : pieces) {
      std::vector<Row> rows;
      const auto add = [&](Slot slot, std::uint32_t count) {
        for (; count > 0 && position[slot] < length_; --count, ++position[slot]) {
          rows.push_back({slot, slot, probe_token(position[slot], slot, vocabulary_size_), position[slot],
                          slot == kText && position[slot] + 1 == length_, false});
        }
      };
      const bool room = rows_allowed_for_neighbours(piece);
      if (neighbours && room) add(kBefore, 3);
      add(kText, piece);
      const std::size_t last = rows.size() - 1;
      if (neighbours && room) add(kBetween, 5);
      if (auto done = decoder_.decode(rows); !done) return fail(done.error());
      if (position[kText] < length_) continue;
      const auto row = decoder_.logits(last);
      logits.assign(row.begin(), row.end());
    }
    for (Slot slot = 0; slot < 3; ++slot) {
      if (position[slot] > 0) decoder_.apply({KvOp::Kind::trim, slot, 0, 0});
    }
    return logits;
  }

  bool rows_allowed_for_neighbours(std::uint32_t piece) const { return piece + 8 <= length_; }

  Decoder& decoder_;
  const std::uint32_t vocabulary_size_;
  const std::uint32_t length_;
  const bool neighbour_slots_;
};

}  // namespace

result<void> check_determinism(const LlamaModel& model, const EngineConfig& config) {
  if (config.gpu_layers != 0) {
    return refused("GPU kernels choose their method by the size of the batch; set engine.gpu_layers = 0");
  }
  if (config.kernels != Kernels::automatic) {
    return refused("it takes this program's kernels; set engine.kernels = \"auto\"");
  }
  if (!config.flash_attention) {
    return refused("it takes this program's attention; set engine.flash_attention = true");
  }
  if (kernels::fast_kernels() == nullptr || kernels::fast_attention() == nullptr || !kernels::can_offer()) {
    return refused("this program's kernels need a CPU with AVX2, and a build with the bundled llama.cpp");
  }
  if (!model.info().can_share_prefix) {
    return refused(fmt::format("'{}' keeps a running state, not one cell for each token", model.info().name));
  }
  if (const auto foreign = foreign_matrix(model)) {
    return refused(fmt::format(
        "the model has matrices that llama.cpp multiplies, {} for one; use a file whose matrices are "
        "Q4_0, Q4_1, Q8_0, Q4_K, Q5_K or Q6_K",
        *foreign));
  }
  return {};
}

result<void> probe_determinism(Decoder& decoder, const LlamaModel& model, const EngineConfig& config) {
  return Probe(decoder, model, config).run();
}

}  // namespace sovereign::engine
