// A sequential test of "the mean of these scores is at most 0", which may be looked at after every score.
//
// It bets against the hypothesis: a gambler with wealth 1 stakes a share of it on every score, and wealth
// W becomes W (1 + b s). Under the hypothesis nobody can expect to win, so the wealth is a nonnegative
// supermartingale, and the chance that it ever reaches 1/alpha is at most alpha (Ville 1939). Several
// gamblers with fixed stakes b share the capital, and the evidence is their wealth together, so that nobody
// has to know beforehand how large an effect would be (Waudby-Smith and Ramdas, "Estimating means of bounded
// random variables by betting", JRSS B 2024; the mixture is that of Robbins 1970 and Cover 1991).
//
// Pure. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>

#include "gateway/canary/wealth.h"

namespace sovereign::gateway {

class BettingTest {
 public:
  static constexpr std::size_t kGamblers = 8;

  // Scores are never below -`least`, which is above 0.
  explicit BettingTest(double least) : largest_stake_(kRisk / least) {}

  void observe(double score);
  // As Wealth's.
  double log_evidence() const { return wealth_.log_evidence(); }
  template <class Visitor>
  void visit(Visitor&& number) {
    wealth_.visit(number);
  }

 private:
  static constexpr double kRisk = 0.9;  // of the wealth that the worst score takes from the boldest

  double largest_stake_;
  Wealth<kGamblers> wealth_;
};

}  // namespace sovereign::gateway
