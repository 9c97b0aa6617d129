// Sum of scalar * point with eight additions at a time. Included by backend_ifma.cpp only, between
// SOVEREIGN_IFMA_BEGIN and _END.
//
// Straus's method has one chain in which each addition waits for the one before. Here the summands of each
// digit position are a list, and lists are summed on their own, eight lists in eight lanes; the sums then go
// through the chain of doublings, one per position. Lists that are added up together are about equally long,
// since they are sorted by length.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crypto/ed25519/backend.h"
#include "crypto/ed25519/curve_ifma.h"

namespace sovereign::crypto::ed25519 {

// The summands of each digit position, as linked lists in one array.
struct IfmaLists {
  static constexpr int kPositions = 256 + 1;

  struct Summand {
    const IfmaRow* row;
    std::uint32_t next;  // index of the next of its list, plus one; 0 ends
    bool negative;
  };

  std::unique_ptr<Summand[]> summands;
  std::uint32_t count = 0;
  std::array<std::uint32_t, kPositions> first{};
  std::array<std::uint32_t, kPositions> length{};

  void add(int position, const IfmaRow* row, bool negative) {
    const auto at = static_cast<std::size_t>(position);
    summands[count] = {row, first[at], negative};
    first[at] = ++count;
    ++length[at];
  }
};

// (2 i + 1) P for each of the points, `entries` rows each. Eight points at a time.
static inline void odd_multiples(std::span<const AffinePoint* const> points, std::size_t entries,
                                 IfmaRow* rows) {
  for (std::size_t begin = 0; begin < points.size(); begin += 8) {
    const auto some = points.subspan(begin, std::min<std::size_t>(8, points.size() - begin));
    alignas(64) std::uint64_t word[3][5][8] = {};
    for (std::size_t lane = 0; lane < some.size(); ++lane) {
      const AffinePoint& p = *some[lane];
      for (std::size_t i = 0; i < 5; ++i) {
        word[0][i][lane] = p.x.limb[i];
        word[1][i][lane] = p.y.limb[i];
        word[2][i][lane] = p.t.limb[i];
      }
    }
    IfmaFieldX8 x, y, t;
    for (int i = 0; i < 5; ++i) {
      x.limb[i] = _mm512_load_si512(word[0][i]);
      y.limb[i] = _mm512_load_si512(word[1][i]);
      t.limb[i] = _mm512_load_si512(word[2][i]);
    }
    PointX8 multiple{carry(minus(sums_of(y), sums_of(x))), carry(plus(sums_of(y), sums_of(x))), t,
                     in_all_lanes<EightLanes>(kOne)};
    const CachedX8 twice = to_cached(double_point(multiple));
    IfmaRow* target[8] = {};
    for (std::size_t lane = 0; lane < some.size(); ++lane) target[lane] = rows + (begin + lane) * entries;
    for (std::size_t entry = 0;; ++entry) {
      store_rows(to_cached(multiple), target);
      if (entry + 1 == entries) break;
      for (IfmaRow*& row : target)
        if (row != nullptr) ++row;
      multiple = add(multiple, twice, 0);
    }
  }
}

// The sum of each list that is not empty, to sums[position].
static inline void sum_lists(const IfmaLists& lists, IfmaRow* sums) {
  static const IfmaRow identity = ifma_row(kOne, kOne, kZero, Field51{{2, 0, 0, 0, 0}});
  std::array<std::uint16_t, IfmaLists::kPositions> order;
  std::size_t used = 0;
  for (std::size_t position = 0; position < order.size(); ++position)
    if (lists.length[position] != 0) order[used++] = static_cast<std::uint16_t>(position);
  std::sort(order.begin(), order.begin() + used,
            [&](std::uint16_t a, std::uint16_t b) { return lists.length[a] > lists.length[b]; });

  for (std::size_t begin = 0; begin < used; begin += 8) {
    const std::size_t lanes = std::min<std::size_t>(8, used - begin);
    std::uint32_t at[8] = {};
    IfmaRow* target[8] = {};
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      at[lane] = lists.first[order[begin + lane]];
      target[lane] = sums + order[begin + lane];
    }
    const IfmaRow* rows[8];
    const auto next = [&] {
      unsigned negative = 0;
      for (int lane = 0; lane < 8; ++lane) {
        rows[lane] = &identity;
        if (at[lane] == 0) continue;
        const IfmaLists::Summand& summand = lists.summands[at[lane] - 1];
        rows[lane] = summand.row;
        negative |= static_cast<unsigned>(summand.negative) << lane;
        at[lane] = summand.next;
      }
      return static_cast<__mmask8>(negative);
    };
    const __mmask8 negative_first = next();
    PointX8 sum = point_of(load_rows(rows), negative_first);
    for (std::uint32_t done = 1; done < lists.length[order[begin]]; ++done) {
      const __mmask8 negative = next();
      sum = add(sum, load_rows(rows), negative);
    }
    store_rows(to_cached(sum), target);
  }
}

// The sum of 2^position * sums[position] over the positions whose list is not empty. The upper half of the
// positions goes its own way until the lower one is done, so that two chains share the time.
static inline IfmaCurve::Point weighted_sum(const IfmaLists& lists, const IfmaRow* sums) {
  int highest = IfmaLists::kPositions - 1;
  while (highest >= 0 && lists.length[static_cast<std::size_t>(highest)] == 0) --highest;
  const int middle = (highest + 1) / 2;
  IfmaCurve::Point upper = IfmaCurve::identity(), lower = upper;
  const auto step = [&](IfmaCurve::Point& sum, int position) {
    sum = IfmaCurve::double_point(sum);
    if (lists.length[static_cast<std::size_t>(position)] != 0)
      sum = IfmaCurve::add(sum, sums[position], false);
  };
  for (int i = highest - middle; i >= 0; --i) {
    step(upper, middle + i);
    if (i < middle) step(lower, i);
  }
  for (int i = 0; i < middle; ++i) upper = IfmaCurve::double_point(upper);
  return IfmaCurve::add(upper, IfmaCurve::to_cached(lower), false);
}

static inline ExtendedPoint straus_by_lists(std::span<const Term> terms) {
  constexpr int width = 5;
  constexpr std::size_t entries = 1 << (width - 2);
  constexpr int full_bits = 253;

  std::vector<const AffinePoint*> points;
  points.reserve(terms.size());
  for (const Term& term : terms)
    if (term.table == nullptr) points.push_back(term.point);
  const auto multiples = std::make_unique_for_overwrite<IfmaRow[]>(points.size() * entries);
  odd_multiples(points, entries, multiples.get());

  const std::size_t with_table = terms.size() - points.size();
  constexpr std::size_t most_of_table = full_bits / kTableWidth + 3;
  const auto of_tables = std::make_unique_for_overwrite<IfmaRow[]>(with_table * most_of_table);
  IfmaLists lists;
  lists.summands = std::make_unique_for_overwrite<IfmaLists::Summand[]>(
      points.size() * (full_bits / width + 2) + with_table * most_of_table);

  const IfmaRow* row = multiples.get();
  IfmaRow* of_table = of_tables.get();
  for (const Term& term : terms) {
    const std::uint64_t* words = term.scalar.word;
    if (term.table != nullptr) {
      const auto list_half = [&](const std::uint64_t* half, int bits, const auto& multiples_of) {
        for_each_naf_digit(half, bits, kTableWidth, [&](int position, int digit) {
          *of_table = ifma_row(multiples_of[static_cast<std::size_t>(digit < 0 ? -digit : digit) / 2]);
          lists.add(position, of_table++, digit < 0);
        });
      };
      list_half(words, kTableSplitBits, term.table->low);
      if (!term.half) list_half(words + 2, full_bits - kTableSplitBits, term.table->high);
      continue;
    }
    for_each_naf_digit(words, term.half ? 128 : full_bits, width, [&](int position, int digit) {
      lists.add(position, row + (digit < 0 ? -digit : digit) / 2, digit < 0);
    });
    row += entries;
  }

  const auto sums = std::make_unique_for_overwrite<IfmaRow[]>(IfmaLists::kPositions);
  sum_lists(lists, sums.get());
  return IfmaCurve::to_extended(weighted_sum(lists, sums.get()));
}

}  // namespace sovereign::crypto::ed25519
