// A quantile of a stream of positive numbers in constant space: the estimate moves up by a share of itself
// when a number is above it, and down when it is below, so that the two balance at the quantile (Robbins and
// Monro 1951). It follows changes; near the quantile it wavers by a few per cent. Pure.
#pragma once

#include <algorithm>
#include <cmath>

namespace sovereign::gateway {

class RunningQuantile {
 public:
  explicit RunningQuantile(double quantile) : quantile_(quantile) {}

  void add(double number) {
    ++count_;
    if (count_ == 1) {
      estimate_ = number;
      return;
    }
    const double step = std::max(kLeastStep, 1.0 / count_);
    estimate_ *= std::exp(step * (number > estimate_ ? quantile_ : quantile_ - 1) / kSpread);
  }

  double count() const { return count_; }        // of numbers
  double estimate() const { return estimate_; }  // 0 before the first number

  template <class Visitor>
  void visit(Visitor&& number) {
    number(count_);
    number(estimate_);
  }

 private:
  static constexpr double kLeastStep = 0.01;
  static constexpr double kSpread = 0.2;  // density of a typical latency's logarithm at its quantiles

  double quantile_;
  double count_ = 0;
  double estimate_ = 0;
};

}  // namespace sovereign::gateway
