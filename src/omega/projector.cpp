#include "omega/projector.h"

#include <fmt/format.h>

#include <cmath>

namespace sovereign::omega {

result<void> validate(const ProjectorWeights& weights) {
  constexpr std::array<const char*, 3> kRows = {"belief", "entropy", "potential"};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t d = 0; d < kDimensions; ++d) {
      if (std::isfinite(weights.w[row][d])) continue;
      const auto name = to_string(static_cast<Dimension>(d));
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("The projector's weight of {} for {} is not a finite number.", name, kRows[row]),
          fmt::format("{}.{}", kRows[row], name));
    }
    if (!std::isfinite(weights.b[row])) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("The projector's bias for {} is not a finite number.", kRows[row]), kRows[row]);
    }
  }
  return {};
}

}  // namespace sovereign::omega
