#include "gateway/canary/event_test.h"

#include <cassert>
#include <cmath>

namespace sovereign::gateway {

void EventTest::observe(std::uint32_t controls, std::uint32_t variants, std::span<const Arm> events) {
  double left_controls = controls;
  double left_variants = variants;
  for (const Arm arm : events) {
    assert(arm == Arm::variant ? left_variants > 0 : left_controls > 0);
    // Of one arm alone an event says nothing.
    if (left_controls > 0 && left_variants > 0) {
      const double odds = odds_ * left_variants / left_controls;
      const double expected = odds / (1 + odds);
      std::array<double, kOddsRatios.size()> factors{};
      for (std::size_t i = 0; i < factors.size(); ++i) {
        const double supposed = kOddsRatios[i] * odds / (1 + kOddsRatios[i] * odds);
        factors[i] =
            arm == Arm::variant ? std::log(supposed / expected) : std::log((1 - supposed) / (1 - expected));
      }
      wealth_.grow(factors);
    }
    (arm == Arm::variant ? left_variants : left_controls) -= 1;
  }
}

}  // namespace sovereign::gateway
