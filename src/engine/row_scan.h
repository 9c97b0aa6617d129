// What a sampler asks of a row of logits: its largest, its k largest, its mass, a draw from it.
//
// Pure. A row may hold -inf (banned tokens) and NaN (never chosen, no mass); +inf is not expected. Ties
// go to the lowest index everywhere, so results do not depend on the CPU or on the order of work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/row_kernels.h"
#include "engine/token.h"

namespace sovereign::engine {

struct Candidate {
  Token token = kNoToken;
  float logit = 0;

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// Best first: larger logit, then lower token.
inline bool better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

// A row with what the passes over it left. Buffers are kept between rows: use one per thread. After
// load() the row must not change until the last call about it.
class RowScan {
 public:
  explicit RowScan(const RowKernels& kernels = row_kernels()) : kernels_(&kernels) {}

  // The first pass: block maxima.
  void load(std::span<const float> row);

  // Whether it holds this row, by its place: what the row holds may have changed since.
  bool is_loaded_from(std::span<const float> row) const { return row_.data() == row.data(); }

  // Index of the largest value; 0 when all are NaN.
  Token argmax() const;
  float max() const { return max_; }

  // The k largest, best first; fewer when the row is shorter or the rest is -inf or NaN.
  void top_k(std::size_t k, std::vector<Candidate>& out);
  // All that are at least `threshold` and not -inf, in order of tokens.
  void at_least(float threshold, std::vector<Candidate>& out) const;

  // The second pass: masses exp((x - max) * scale). mass() is their sum, at least 1 unless max is -inf.
  void weigh(float scale);
  double mass() const { return mass_; }
  bool is_weighed(float scale) const { return weighed_ && scale_ == scale; }
  // As mass() at scale 1, without the blocks whose largest value is more than `depth` under the row's: what
  // is left out is less than exp(-depth) for each of their values. Needs no weigh().
  double mass_within(float depth) const;
  // The token at u of the cumulative mass, u in [0, 1): a draw from softmax(row * scale).
  Token at_quantile(double u) const;

 private:
  // Block b with the end of the row padded by -inf, in `buffer` where padding is needed.
  const float* block(std::size_t b, std::span<float, kRowBlock> buffer) const;
  template <class Visit>
  void visit_blocks_at_least(float threshold, Visit visit) const;

  const RowKernels* kernels_;
  std::span<const float> row_;
  std::vector<float> block_max_;
  std::vector<float> block_mass_;
  std::vector<float> order_;  // scratch for the k-th largest block maximum
  float max_ = 0;
  float scale_ = 1;
  bool weighed_ = false;  // the row, with scale_
  double mass_ = 0;
};

// The definition of argmax: one comparison after the other. Tests compare RowScan to it.
Token argmax_reference(std::span<const float> row);

}  // namespace sovereign::engine
