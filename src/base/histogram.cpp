#include "base/histogram.h"

#include <algorithm>

namespace sovereign {

Histogram::Histogram(std::vector<double> upper_bounds)
    : upper_bounds_(std::move(upper_bounds)),
      buckets_(std::make_unique<std::atomic<std::uint64_t>[]>(upper_bounds_.size() + 1)) {}

void Histogram::observe(double value) noexcept {
  const auto bound = std::lower_bound(upper_bounds_.begin(), upper_bounds_.end(), value);
  const auto index = static_cast<std::size_t>(bound - upper_bounds_.begin());
  buckets_[index].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Histogram::add(const Histogram& other) noexcept {
  for (std::size_t i = 0; i <= upper_bounds_.size(); ++i) {
    buckets_[i].fetch_add(other.count_in(i), std::memory_order_relaxed);
  }
  sum_.fetch_add(other.sum(), std::memory_order_relaxed);
}

std::uint64_t Histogram::count_in(std::size_t i) const noexcept {
  return buckets_[i].load(std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const noexcept {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= upper_bounds_.size(); ++i) total += count_in(i);
  return total;
}

double Histogram::sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

std::vector<double> Histogram::latency() {
  return {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120};
}

std::vector<double> Histogram::powers_of_two(double first, int buckets) {
  std::vector<double> bounds;
  for (int i = 0; i < buckets; ++i, first *= 2) bounds.push_back(first);
  return bounds;
}

}  // namespace sovereign
