// What a sequential test has won so far, of capital that is staked bit by bit.
//
// Half of the capital is staked at once. The rest goes in later, a little before every observation, so that a
// difference which begins after many good ones is bet on by fresh capital and not only by what the good ones
// left over: without that, all that was lost in good times would have to be won back first. All capital ever
// staked comes to 1, staked and waiting wealth together are a nonnegative supermartingale under the
// hypothesis, and so the chance that the wealth ever reaches 1/alpha is at most alpha (Ville 1939). Spreading
// a bet over all times at which a change may begin is Shiryaev's and Roberts's idea; with a fixed capital it
// keeps the chance of an alarm for ever (compare Shin, Ramdas and Rinaldo, "E-detectors", NEJSDS 2023). The
// share for time t falls as 1 / (t log(t)^2), nearly as slowly as a sum that stays finite allows.
//
// N gamblers share it equally; each has its own factor for every observation. Pure. Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

namespace sovereign::gateway {

// log(mean(exp(x))), without overflow.
double log_mean_exp(std::span<const double> logs);

template <std::size_t N>
class Wealth {
 public:
  Wealth() { logs_.fill(std::log(kAtOnce)); }

  // Logarithms of what each gambler's wealth is multiplied by.
  void grow(const std::array<double, N>& factors) {
    const double before = waiting();
    ++observed_;
    const double fresh = std::log(before - waiting());
    for (std::size_t i = 0; i < N; ++i) {
      const double larger = std::max(logs_[i], fresh);
      logs_[i] = larger + std::log1p(std::exp(std::min(logs_[i], fresh) - larger)) + factors[i];
    }
  }

  // The logarithm of all wealth, staked or waiting; never alarms falsely at log(1/alpha) with a chance above
  // alpha.
  double log_evidence() const {
    const double staked = log_mean_exp(logs_);
    const double larger = std::max(staked, std::log(waiting()));
    return larger + std::log(std::exp(staked - larger) + waiting() * std::exp(-larger));
  }

  // Shows all that it knows, a number at a time, to who keeps or restores it.
  template <class Visitor>
  void visit(Visitor&& number) {
    number(observed_);
    for (double& log : logs_) number(log);
  }

 private:
  static constexpr double kAtOnce = 0.5;

  // Falls by about 1 / (t log(t)^2) at the t-th observation.
  double waiting() const { return (1 - kAtOnce) * std::numbers::ln2 / std::log(observed_ + 2); }

  double observed_ = 0;
  std::array<double, N> logs_{};
};

}  // namespace sovereign::gateway
