// Odd multiples of a point, made once and used often: for the base point, and for keys that sign repeatedly.
//
// About 15 KB; building one costs about as much as verifying a signature.
#pragma once

#include <array>

#include "crypto/ed25519/point.h"

namespace sovereign::crypto::ed25519 {

inline constexpr int kTableWidth = 8;        // digits odd and under 128 in magnitude
inline constexpr int kTableSplitBits = 128;  // a scalar's lower bits use `low`, the others `high`
inline constexpr int kTableEntries = 1 << (kTableWidth - 2);

struct PointTable {
  explicit PointTable(const AffinePoint& point);

  AffinePoint point;
  std::array<AffineCachedPoint, kTableEntries> low;   // (2 i + 1) P
  std::array<AffineCachedPoint, kTableEntries> high;  // (2 i + 1) 2^128 P
};

const PointTable& base_point_table();

}  // namespace sovereign::crypto::ed25519
