// What the projector makes of an Ihsan vector: three numbers, and how much evidence is behind them.
#pragma once

namespace sovereign::omega {

struct NTUState {
  double belief = 0;     // [0,1]
  double entropy = 0;    // >= 0
  double potential = 0;  // [-1,1]
  // Share of the belief row's weight that was measured, [0,1]. 1: every dimension that counts was
  // measured. 0: nothing was, and the three numbers are the bias alone.
  double coverage = 0;

  friend constexpr bool operator==(const NTUState&, const NTUState&) = default;
};

}  // namespace sovereign::omega
