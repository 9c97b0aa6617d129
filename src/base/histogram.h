// A histogram with fixed bounds in the Prometheus sense: cumulative when rendered, cheap when observed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace sovereign {

// observe() is lock-free and safe from any thread; readers see each bucket's latest value, not one
// consistent cut across buckets (Prometheus tolerates that).
class Histogram {
 public:
  // Upper bounds, ascending; +Inf is implied.
  explicit Histogram(std::vector<double> upper_bounds);

  void observe(double value) noexcept;
  // Adds the other's observations; its bounds are the same.
  void add(const Histogram& other) noexcept;

  const std::vector<double>& upper_bounds() const { return upper_bounds_; }
  // Observations in bucket i (not cumulative); i == upper_bounds().size() is the +Inf bucket.
  std::uint64_t count_in(std::size_t i) const noexcept;
  std::uint64_t count() const noexcept;
  double sum() const noexcept;

  // Seconds from 0.5 ms to 120 s, for latencies.
  static std::vector<double> latency();
  // first, 2*first, 4*first, ... : `buckets` of them.
  static std::vector<double> powers_of_two(double first, int buckets);

 private:
  std::vector<double> upper_bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  std::atomic<double> sum_{0};
};

}  // namespace sovereign
