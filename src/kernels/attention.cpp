#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/aligned.h"
#include "kernels/half.h"

namespace sovereign::kernels {
namespace {

// Rows that share a pass over keys and values; and their scores, which should stay in the second-level cache.
constexpr std::size_t kMostRows = 24;
constexpr std::size_t kMostScores = 64 * 1024;
// Pieces of work for each thread, for balance.
constexpr std::size_t kUnitsPerThread = 4;

constexpr std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// Tokens [first, end) and heads [first_head, end_head), which share a key head.
struct Block {
  std::size_t first, end;
  std::size_t first_head, end_head;
  std::size_t key_head;
  std::size_t stream;

  std::size_t heads() const { return end_head - first_head; }
  std::size_t rows() const { return (end - first) * heads(); }
};

// How the work is cut; results do not depend on it.
struct Cut {
  std::size_t tokens;  // of a block
  std::size_t heads;   // of a block
  std::size_t blocks_of_tokens;
  std::size_t groups_of_heads;

  Cut(const Attention& a, std::size_t threads) {
    const std::size_t shared = a.heads / a.key_heads;
    const std::size_t wanted = kUnitsPerThread * threads;
    const std::size_t rows =
        std::clamp<std::size_t>(kMostScores / std::max<std::size_t>(a.cells, 1), 1, kMostRows);
    heads = std::min(shared, rows);
    tokens = std::max<std::size_t>(1, rows / shared);
    // Fewer rows at once rather than idle threads; and single heads, where even that is not enough.
    tokens = std::clamp<std::size_t>(a.tokens * a.key_heads * a.streams / wanted, 1, tokens);
    if (divide_up(a.tokens, tokens) * a.key_heads * a.streams < wanted) heads = 1;
    blocks_of_tokens = divide_up(a.tokens, tokens);
    groups_of_heads = a.key_heads * divide_up(shared, heads);
  }
  std::size_t count(const Attention& a) const { return blocks_of_tokens * groups_of_heads * a.streams; }

  Block block(const Attention& a, std::size_t i) const {
    const std::size_t shared = a.heads / a.key_heads;
    const std::size_t groups = divide_up(shared, heads);
    const std::size_t group = i % groups_of_heads;
    const std::size_t token_block = i / groups_of_heads % blocks_of_tokens;
    Block block{};
    block.first = token_block * tokens;
    block.end = std::min(a.tokens, block.first + tokens);
    block.key_head = group / groups;
    block.first_head = block.key_head * shared + group % groups * heads;
    block.end_head = std::min(block.first_head + heads, (block.key_head + 1) * shared);
    block.stream = i / groups_of_heads / blocks_of_tokens;
    return block;
  }
};

class Worker {
 public:
  void run(const AttentionKernels& kernels, const Attention& attention, const Block& block) {
    kernels_ = &kernels;
    a_ = &attention;
    attend_to(block);
  }

 private:
  // A block whose tokens see the same cells, or fewer of them, is computed at once; else by halves.
  void attend_to(const Block& block) {
    if (!find_cells(block)) {
      Block half = block;
      half.end = block.first + (block.end - block.first) / 2;
      attend_to(half);
      half.first = half.end;
      half.end = block.end;
      attend_to(half);
      return;
    }
    stride_ = divide_up(cell_count_, kKeyTile) * kKeyTile;
    score(block);
    weigh(block);
    sum_up(block);
  }

  // The cells that the token which sees most sees; false when another sees one that is not among them.
  bool find_cells(const Block& block) {
    cells_.resize(a_->cells);
    if (a_->mask.data == nullptr) {
      for (std::size_t i = 0; i < a_->cells; ++i) cells_[i] = static_cast<std::int32_t>(i);
      cell_count_ = a_->cells;
      masks_.assign((block.end - block.first) * cell_count_, 0.0F);
      return true;
    }
    std::size_t counts[kMostRows] = {};
    std::size_t most = block.first;
    for (std::size_t t = block.first; t < block.end; ++t) {
      counts[t - block.first] = kernels_->visible(mask_of(block, t), a_->cells, cells_.data());
      if (counts[t - block.first] >= counts[most - block.first]) most = t;
    }
    cell_count_ = counts[most - block.first];
    if (most + 1 != block.end) kernels_->visible(mask_of(block, most), a_->cells, cells_.data());
    masks_.resize((block.end - block.first) * cell_count_);
    for (std::size_t t = block.first; t < block.end; ++t) {
      float* mask = masks_.data() + (t - block.first) * cell_count_;
      if (gather_mask(mask_of(block, t), mask) != counts[t - block.first]) return false;
    }
    return true;
  }

  const Half* mask_of(const Block& block, std::size_t token) const {
    return a_->mask.at(token, 0, block.stream);
  }

  // The mask of the cells; how many of them it lets through.
  std::size_t gather_mask(const Half* from, float* to) const {
    constexpr Half kMasked = 0xFC00;
    std::size_t seen = 0;
    for (std::size_t i = 0; i < cell_count_; ++i) {
      const Half value = from[cells_[i]];
      seen += value != kMasked ? 1 : 0;
      // Almost all are 0 or -infinity.
      to[i] = value == 0 ? 0.0F : half_to_float(value);
    }
    return seen;
  }

  void score(const Block& block) {
    const std::size_t size = a_->key_size;
    const std::size_t rows = block.rows();
    queries_.resize(rows * size);
    float* query = queries_.data();
    for (std::size_t t = block.first; t < block.end; ++t) {
      for (std::size_t h = block.first_head; h < block.end_head; ++h, query += size) {
        std::copy_n(a_->query.at(t, h, block.stream), size, query);
      }
    }
    scores_.resize(rows * stride_);
    keys_.resize(kKeyTile * size);
    for (std::size_t first = 0; first < cell_count_; first += kKeyTile) {
      const std::size_t count = std::min(kKeyTile, cell_count_ - first);
      const Half* keys[kKeyTile];
      for (std::size_t j = 0; j < kKeyTile; ++j) {
        // What is beyond the last is computed and not used.
        const auto cell = static_cast<std::size_t>(cells_[first + std::min(j, count - 1)]);
        keys[j] = a_->key.at(cell, block.key_head, block.stream);
      }
      kernels_->widen_keys(keys, size, keys_.data());
      kernels_->dots(queries_.data(), rows, keys_.data(), size, scores_.data() + first, stride_);
    }
  }

  // ALiBi's slope of a head.
  float slope(std::size_t head) const {
    if (a_->max_bias <= 0) return 1;
    const auto power =
        static_cast<float>(1U << static_cast<unsigned>(std::log2(static_cast<double>(a_->heads))));
    const auto h = static_cast<float>(head);
    return h < power ? std::pow(std::exp2(-a_->max_bias / power), h + 1)
                     : std::pow(std::exp2(-a_->max_bias / 2 / power), 2 * (h - power) + 1);
  }

  void weigh(const Block& block) {
    inverse_totals_.resize(block.rows());
    std::size_t row = 0;
    for (std::size_t t = block.first; t < block.end; ++t) {
      const float* mask = masks_.data() + (t - block.first) * cell_count_;
      for (std::size_t h = block.first_head; h < block.end_head; ++h, ++row) {
        inverse_totals_[row] = weigh_row(scores_.data() + row * stride_, mask, h);
      }
    }
  }

  // Scores become weights; 1 over their sum: 0 where nothing is seen, NaN where a score is.
  double weigh_row(float* scores, const float* mask, std::size_t head) const {
    float scale = a_->scale;
    if (a_->logit_softcap != 0) {
      for (std::size_t i = 0; i < cell_count_; ++i) {
        scores[i] = a_->logit_softcap * std::tanh(scores[i] * scale / a_->logit_softcap);
      }
      scale = 1;
    }
    float largest = kernels_->finish_scores(scores, cell_count_, scale, mask, slope(head));
    const float* sink = a_->sinks == nullptr ? nullptr : a_->sinks + head;
    if (sink != nullptr) largest = std::max(largest, *sink);
    if (largest == -std::numeric_limits<float>::infinity()) {
      const bool broken = std::any_of(scores, scores + cell_count_, [](float s) { return std::isnan(s); });
      std::fill_n(scores, cell_count_, 0.0F);
      return broken ? std::numeric_limits<double>::quiet_NaN() : 0.0;
    }
    double estimate = kernels_->exponentials(scores, cell_count_, largest);
    float of_sink = sink == nullptr ? 0.0F : *sink;
    if (sink != nullptr) estimate += kernels_->exponentials(&of_sink, 1, largest);
    int exponent = 0;
    std::frexp(estimate, &exponent);
    const float unit = std::ldexp(1.0F, kWeightBits - exponent);
    double total = kernels_->weights(scores, cell_count_, unit);
    if (sink != nullptr) total += kernels_->weights(&of_sink, 1, unit);
    return 1.0 / total;
  }

  void sum_up(const Block& block) {
    const std::size_t size = a_->value_size;
    const std::size_t rows = block.rows();
    sums_.assign(rows * size, 0.0);
    values_.resize(kValueTile * size);
    for (std::size_t first = 0; first < cell_count_; first += kValueTile) {
      const std::size_t count = std::min(kValueTile, cell_count_ - first);
      for (std::size_t j = 0; j < count; ++j) {
        const auto cell = static_cast<std::size_t>(cells_[first + j]);
        kernels_->widen_value(a_->value.at(cell, block.key_head, block.stream), size,
                              values_.data() + j * size);
      }
      kernels_->accumulate(scores_.data() + first, stride_, rows, values_.data(), count, size, sums_.data());
    }
    std::size_t row = 0;
    for (std::size_t t = block.first; t < block.end; ++t) {
      for (std::size_t h = block.first_head; h < block.end_head; ++h, ++row) {
        float* out = a_->out.at(h, t, block.stream);
        const double* sums = sums_.data() + row * size;
        for (std::size_t d = 0; d < size; ++d) out[d] = static_cast<float>(sums[d] * inverse_totals_[row]);
      }
    }
  }

  const AttentionKernels* kernels_ = nullptr;
  const Attention* a_ = nullptr;
  std::vector<std::int32_t> cells_;  // those of the block
  std::size_t cell_count_ = 0;
  std::size_t stride_ = 0;    // between rows of scores
  std::vector<float> masks_;  // by token
  AlignedVector<float> queries_;
  AlignedVector<float> scores_;  // later weights
  AlignedVector<float> keys_;
  AlignedVector<double> values_;
  AlignedVector<double> sums_;
  std::vector<double> inverse_totals_;
};

}  // namespace

void attend(const AttentionKernels& kernels, const Attention& attention, std::size_t index,
            std::size_t threads) {
  static thread_local Worker worker;
  const Cut cut(attention, threads);
  for (std::size_t i = index; i < cut.count(attention); i += threads) {
    worker.run(kernels, attention, cut.block(attention, i));
  }
}

}  // namespace sovereign::kernels
