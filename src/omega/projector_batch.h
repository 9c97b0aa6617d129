// Projects many Ihsan vectors at once, by columns.
//
// Vectors lie as eight columns (one array per dimension) so that one instruction works on the same
// dimension of several vectors. Each lane does exactly what IhsanProjector::project does, in the same
// order: the results are equal to the last bit, whatever the instruction set.
// Allocates nothing; the caller owns every array. Safe from any thread on distinct outputs.
#pragma once

#include <array>
#include <cstddef>

#include "omega/projector.h"

namespace sovereign::omega {

// Column d holds dimension d of vectors 0..count-1; NaN is unmeasured. Values outside [0,1] are the
// caller's mistake and are projected as they are. No alignment is needed.
struct IhsanColumns {
  std::array<const double*, kDimensions> dimension{};
  std::size_t count = 0;
};

// Room for `count` results in each; must not overlap the input or each other.
struct NTUColumns {
  double* belief = nullptr;
  double* entropy = nullptr;
  double* potential = nullptr;
  double* coverage = nullptr;
};

void project_batch(const IhsanProjector& projector, const IhsanColumns& in, const NTUColumns& out) noexcept;

// The same by the build's baseline instructions only, without looking at the machine.
void project_batch_baseline(const IhsanProjector& projector, const IhsanColumns& in,
                            const NTUColumns& out) noexcept;

}  // namespace sovereign::omega
