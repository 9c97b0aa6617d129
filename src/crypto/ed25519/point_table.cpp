#include "crypto/ed25519/point_table.h"

namespace sovereign::crypto::ed25519 {
namespace {

void fill_odd_multiples(const ExtendedPoint& point, ExtendedPoint* row) {
  const CachedPoint twice = to_cached(double_point(point));
  row[0] = point;
  for (int i = 1; i < kTableEntries; ++i) row[i] = add(row[i - 1], twice, false);
}

}  // namespace

PointTable::PointTable(const AffinePoint& base) : point(base) {
  constexpr int count = 2 * kTableEntries;
  std::array<ExtendedPoint, count> rows;
  fill_odd_multiples(to_extended(base), rows.data());
  fill_odd_multiples(double_times(to_extended(base), kTableSplitBits), rows.data() + kTableEntries);

  // Montgomery's trick: one inversion for all. prefix[i] is the product of the Z before i.
  std::array<Field51, count> prefix;
  Field51 product = kOne;
  for (int i = 0; i < count; ++i) {
    prefix[i] = product;
    product = mul(product, rows[i].z);
  }
  Field51 inverse = invert(product);
  for (int i = count - 1; i >= 0; --i) {
    const Field51 z_inverse = mul(inverse, prefix[i]);
    inverse = mul(inverse, rows[i].z);
    const Field51 x = mul(rows[i].x, z_inverse);
    const Field51 y = mul(rows[i].y, z_inverse);
    auto& entry = i < kTableEntries ? low[i] : high[i - kTableEntries];
    entry = to_cached(AffinePoint{x, y, mul(x, y)});
  }
}

const PointTable& base_point_table() {
  static const PointTable table(kBasePoint);
  return table;
}

}  // namespace sovereign::crypto::ed25519
