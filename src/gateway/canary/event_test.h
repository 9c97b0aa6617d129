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

#include "gateway/canary/observation.h"
#include "gateway/canary/wealth.h"

namespace sovereign::gateway {

class EventTest {
 public:
  static constexpr std::array kOddsRatios = {1.25, 1.6, 2.5, 6.0, 25.0, 200.0};  // times the margin's

  explicit EventTest(double margin) : odds_(1 + margin) {}

  // A block of so many queries, and whose the events among them were, in their order.
  void observe(std::uint32_t controls, std::uint32_t variants, std::span<const Arm> events);
  // As Wealth's.
  double log_evidence() const { return wealth_.log_evidence(); }

  template <class Visitor>
  void visit(Visitor&& number) {
    wealth_.visit(number);
  }

 private:
  double odds_;
  Wealth<kOddsRatios.size()> wealth_;
};

}  // namespace sovereign::gateway
