// A sequential test of "events are no more frequent in the variant than `1 + margin` times in control", for
// rare events: errors, very slow answers. It may be looked at after every block.
//
// Only events count: when one has happened among c control and v variant queries of a block, it was equally
// likely to be any of them, so it is the variant's with odds of at most (1 + margin) v : c under the
// hypothesis, whatever the frequency of events and however it changes with time. Further events of the block
// are drawn from who is left. Against it stand alternatives with larger odds ratios, whose likelihood ratios
// are mixed (Wald 1945; Robbins 1970). Conditioning on events as in Lindon and Malek, "Anytime-valid
// inference for multinomial count data" (NeurIPS 2022).
//
// Pure. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gateway/canary/betting_test.h"
#include "gateway/canary/observation.h"

namespace sovereign::gateway {

class EventTest {
 public:
  static constexpr std::array kOddsRatios = {1.25, 1.6, 2.5, 6.0, 25.0, 200.0};  // times the margin's

  explicit EventTest(double margin) : odds_(1 + margin) {}

  // A block of so many queries, and whose the events among them were, in their order.
  void observe(std::uint32_t controls, std::uint32_t variants, std::span<const Arm> events);
  // As BettingTest's.
  double log_evidence() const { return log_mean_exp(wealth_); }

  template <class Visitor>
  void visit(Visitor&& number) {
    for (double& wealth : wealth_) number(wealth);
  }

 private:
  double odds_;
  std::array<double, kOddsRatios.size()> wealth_{};  // logarithms
};

}  // namespace sovereign::gateway
