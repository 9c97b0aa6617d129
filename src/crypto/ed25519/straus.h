// Sum of scalar * point by Straus's method: one chain of doublings for all, and per point the non-zero digits
// of its scalar's non-adjacent form, looked up in a table of odd multiples. (Straus, "Addition chains of
// vectors", 1964; Möller, "Algorithms for multi-exponentiation", 2001.)
//
// Curve supplies the arithmetic: types Point and Cached; from(AffinePoint), to_cached(Point),
// double_point(Point), add(Point, Cached or AffineCachedPoint, negative), to_extended(Point), identity().
// Included by each backend after it has set its instruction set; everything is a template of Curve, so that
// no function compiled for one CPU is shared with another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/ed25519/backend.h"

namespace sovereign::crypto::ed25519 {

// One addition that falls on a digit position. Positions are linked lists, so that the main loop
// meets non-zero digits only.
struct StrausAddition {
  const void* entry;
  std::uint32_t next;  // index of the next one at this position, plus one; 0 ends
  bool negative;
  bool affine;  // entry is an AffineCachedPoint of a PointTable
};

template <class Curve>
struct StrausPlan {
  static constexpr int kPositions = 256 + 1;

  StrausAddition* additions;
  std::uint32_t count = 0;
  std::uint32_t first[kPositions] = {};
  int highest = -1;

  void add(int position, const void* entry, bool negative, bool affine) {
    additions[count] = {entry, first[position], negative, affine};
    first[position] = ++count;
    highest = std::max(highest, position);
  }
};

// The memory of a sum: on the stack for as few terms as a single verification has, so that it allocates
// nothing.
template <class T, std::size_t few>
class StrausMemory {
 public:
  explicit StrausMemory(std::size_t count)
      : many_(count > few ? std::make_unique_for_overwrite<T[]>(count) : nullptr) {}
  T* get() { return many_ ? many_.get() : few_; }

 private:
  T few_[few];
  const std::unique_ptr<T[]> many_;
};

template <class Curve>
ExtendedPoint straus(std::span<const Term> terms) {
  using Cached = typename Curve::Cached;
  constexpr int width = 5;
  constexpr int entries = 1 << (width - 2);
  constexpr int full_bits = 253;
  constexpr std::size_t few_terms = 2;
  // Digits are `width` apart or more, those of tables further.
  constexpr std::size_t most_additions = full_bits / width + 2;

  StrausMemory<Cached, few_terms * entries> multiples(terms.size() * entries);
  StrausMemory<StrausAddition, few_terms * most_additions> additions(terms.size() * most_additions);
  StrausPlan<Curve> plan{additions.get()};

  Cached* row = multiples.get();
  for (const Term& term : terms) {
    const std::uint64_t* words = term.scalar.word;
    if (term.table != nullptr) {
      const auto plan_half = [&](const std::uint64_t* half, int bits, const auto& multiples_of) {
        for_each_naf_digit(half, bits, kTableWidth, [&](int position, int digit) {
          plan.add(position, &multiples_of[static_cast<std::size_t>(digit < 0 ? -digit : digit) / 2],
                   digit < 0, true);
        });
      };
      plan_half(words, kTableSplitBits, term.table->low);
      if (!term.half) plan_half(words + 2, full_bits - kTableSplitBits, term.table->high);
      continue;
    }
    auto multiple = Curve::from(*term.point);
    const Cached twice = Curve::to_cached(Curve::double_point(multiple));
    row[0] = Curve::to_cached(multiple);
    for (int i = 1; i < entries; ++i) {
      multiple = Curve::add(multiple, twice, false);
      row[i] = Curve::to_cached(multiple);
    }
    for_each_naf_digit(words, term.half ? 128 : full_bits, width, [&](int position, int digit) {
      plan.add(position, row + (digit < 0 ? -digit : digit) / 2, digit < 0, false);
    });
    row += entries;
  }

  auto sum = Curve::identity();
  for (int position = plan.highest; position >= 0; --position) {
    sum = Curve::double_point(sum);
    for (std::uint32_t i = plan.first[position]; i != 0;) {
      const StrausAddition& addition = plan.additions[i - 1];
      i = addition.next;
      sum = addition.affine
                ? Curve::add(sum, *static_cast<const AffineCachedPoint*>(addition.entry), addition.negative)
                : Curve::add(sum, *static_cast<const Cached*>(addition.entry), addition.negative);
    }
  }
  return Curve::to_extended(sum);
}

}  // namespace sovereign::crypto::ed25519
