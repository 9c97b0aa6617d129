#include "engine/row_scan.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <functional>
#include <limits>

namespace sovereign::engine {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

}  // namespace

const float* RowScan::block(std::size_t b, std::span<float, kRowBlock> buffer) const {
  const std::span<const float> rest = row_.subspan(b * kRowBlock);
  if (rest.size() >= kRowBlock) return rest.data();
  std::fill(std::copy(rest.begin(), rest.end(), buffer.begin()), buffer.end(), kNothing);
  return buffer.data();
}

template <class Visit>
void RowScan::visit_blocks_at_least(float threshold, Visit visit) const {
  for (std::size_t b = 0; b < block_max_.size(); ++b) {
    if (block_max_[b] < threshold) continue;
    const std::size_t end = std::min(row_.size(), (b + 1) * kRowBlock);
    for (std::size_t i = b * kRowBlock; i < end; ++i) visit(static_cast<Token>(i), row_[i]);
  }
}

void RowScan::load(std::span<const float> row) {
  assert(!row.empty());
  row_ = row;
  weighed_ = false;
  const std::size_t whole = row.size() / kRowBlock;
  block_max_.resize((row.size() + kRowBlock - 1) / kRowBlock);
  kernels_->block_max(row.data(), whole, block_max_.data());
  if (whole < block_max_.size()) {
    std::array<float, kRowBlock> buffer;
    kernels_->block_max(block(whole, buffer), 1, &block_max_[whole]);
  }
  max_ = *std::max_element(block_max_.begin(), block_max_.end());
}

Token RowScan::argmax() const {
  for (std::size_t b = 0; b < block_max_.size(); ++b) {
    if (block_max_[b] != max_) continue;
    const std::size_t end = std::min(row_.size(), (b + 1) * kRowBlock);
    for (std::size_t i = b * kRowBlock; i < end; ++i) {
      if (row_[i] == max_) return static_cast<Token>(i);
    }
    // A block of NaN alone counts as -inf without holding one.
  }
  return 0;
}

void RowScan::top_k(std::size_t k, std::vector<Candidate>& out) {
  out.clear();
  // At least k values reach the k-th largest block maximum, and few more do.
  float threshold = kNothing;
  if (k == 0) return;
  if (k <= block_max_.size()) {
    order_ = block_max_;
    const auto kth = order_.begin() + static_cast<std::ptrdiff_t>(k) - 1;
    std::nth_element(order_.begin(), kth, order_.end(), std::greater<>());
    threshold = *kth;
  }
  at_least(threshold, out);
  if (out.size() > k) {
    std::nth_element(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(k), out.end(), better);
    out.resize(k);
  }
  std::sort(out.begin(), out.end(), better);
}

void RowScan::at_least(float threshold, std::vector<Candidate>& out) const {
  out.clear();
  visit_blocks_at_least(threshold, [&](Token token, float x) {
    if (x >= threshold && x > kNothing) out.push_back({token, x});
  });
}

void RowScan::weigh(float scale) {
  scale_ = scale;
  weighed_ = true;
  mass_ = 0;
  block_mass_.assign(block_max_.size(), 0.0F);
  if (max_ == kNothing) return;
  const std::size_t whole = row_.size() / kRowBlock;
  kernels_->block_exp_sum(row_.data(), whole, max_, scale, block_mass_.data());
  if (whole < block_mass_.size()) {
    std::array<float, kRowBlock> buffer;
    kernels_->block_exp_sum(block(whole, buffer), 1, max_, scale, &block_mass_[whole]);
  }
  for (const float block_mass : block_mass_) mass_ += static_cast<double>(block_mass);
}

double RowScan::mass_within(float depth) const {
  if (max_ == kNothing) return 0;
  double mass = 0;
  std::array<float, kRowBlock> buffer;
  for (std::size_t b = 0; b < block_max_.size(); ++b) {
    if (block_max_[b] < max_ - depth) continue;
    float block_mass = 0;
    kernels_->block_exp_sum(block(b, buffer), 1, max_, 1.0F, &block_mass);
    mass += static_cast<double>(block_mass);
  }
  return mass;
}

Token RowScan::at_quantile(double u) const {
  assert(u >= 0 && u < 1);
  double left = u * mass_;
  std::size_t last_with_mass = block_mass_.size();
  for (std::size_t b = 0; b < block_mass_.size(); ++b) {
    const auto block_mass = static_cast<double>(block_mass_[b]);
    if (block_mass > 0) last_with_mass = b;
    if (left < block_mass) break;
    left -= block_mass;
  }
  if (last_with_mass == block_mass_.size()) return argmax();

  // Rounding may leave a little over at the end of a block: then its last token with mass is meant.
  std::array<float, kRowBlock> buffer;
  std::array<float, kRowBlock> terms;
  kernels_->exp_terms(block(last_with_mass, buffer), max_, scale_, terms.data());
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < kRowBlock; ++i) {
    const auto term = static_cast<double>(terms[i]);
    if (term > 0) chosen = i;
    if (left < term) break;
    left -= term;
  }
  return static_cast<Token>(last_with_mass * kRowBlock + chosen);
}

Token argmax_reference(std::span<const float> row) {
  Token best = kNoToken;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (std::isnan(row[i])) continue;
    if (best == kNoToken || row[i] > row[static_cast<std::size_t>(best)]) best = static_cast<Token>(i);
  }
  return std::max(best, Token{0});
}

}  // namespace sovereign::engine
