// Where the entries of a shard are, by their hashes: an open-addressing table of lines of four lanes.
//
// A line is one line of the processor's cache. An entry lies in its home line, or in the first line after it
// that had a free lane; every line that it found full counts it, so that a search goes on past a line only
// where that leads somewhere, and a removal moves nothing (as F14 does, Bronson and Shi 2019). At most half
// of the lanes are in use, so that nineteen of twenty entries are at home, and finding, adding and removing
// one touch a single line, by the same few steps whatever the line holds. Not thread-safe. Allocates nothing;
// O(1) expected.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "cache/entry.h"

namespace sovereign::cache {

class LruIndex {
 public:
  using Slot = std::uint32_t;

  // Says where both the entry and its node are, so that a hit waits for them at once, not in turn.
  struct Found {
    const Entry* entry = nullptr;  // null: there is none
    Slot slot = 0;
  };

  // Bytes of memory for so many entries; a multiple of 64.
  static std::size_t memory_for(std::uint32_t max_entries) { return lines_for(max_entries) * sizeof(Line); }

  // At most 2^30 entries. `memory`: memory_for(max_entries) bytes, aligned to 64, that outlive the index.
  LruIndex(std::uint32_t max_entries, std::byte* memory)
      : lines_(reinterpret_cast<Line*>(memory), lines_for(max_entries)),
        mask_(lines_.size() - 1),
        shift_(32U - static_cast<unsigned>(std::countr_zero(lines_.size()))) {
    std::uninitialized_value_construct(lines_.begin(), lines_.end());
  }

  // `tag`: 32 bits derived from the hash, the same at every call.
  Found find(const Hash128& hash, std::uint32_t tag) const {
    const std::uint16_t mark = mark_of(tag);
    std::size_t at = home(tag);
    // Entries that come and go can leave every line passed by one that is still there.
    for (std::size_t tried = 0; tried < lines_.size(); ++tried, at = (at + 1) & mask_) {
      const Line& line = lines_[at];
      for (std::uint64_t lanes = lanes_with(line, mark); lanes != 0; lanes &= lanes - 1) {
        const std::size_t lane = lane_of(lanes);
        if (line.marks[lane] == mark && line.entries[lane]->hash() == hash) {
          return {line.entries[lane], line.slots[lane]};
        }
      }
      if (line.passed == 0) break;
    }
    return {};
  }

  // There is room, and no entry of that hash.
  void add(const Entry* entry, Slot slot, std::uint32_t tag) {
    for (std::size_t at = home(tag);; at = (at + 1) & mask_) {
      Line& line = lines_[at];
      if (const std::uint64_t free = lanes_with(line, kFree); free != 0) {
        const std::size_t lane = lane_of(free);
        line.entries[lane] = entry;
        line.slots[lane] = slot;
        line.marks[lane] = mark_of(tag);
        return;
      }
      ++line.passed;
    }
  }

  // It is there, under that tag.
  void remove(Slot slot, std::uint32_t tag) {
    for (std::size_t at = home(tag);; at = (at + 1) & mask_) {
      Line& line = lines_[at];
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        if (line.slots[lane] != slot || line.marks[lane] == kFree) continue;
        line.marks[lane] = kFree;
        return;
      }
      --line.passed;
    }
  }

  // Begins to load what the above will touch.
  void prefetch(std::uint32_t tag) const { __builtin_prefetch(&lines_[home(tag)], 1); }

 private:
  static constexpr std::size_t kLanes = 4;
  static constexpr std::uint16_t kFree = 0;

  struct alignas(64) Line {
    std::array<const Entry*, kLanes> entries;
    std::array<Slot, kLanes> slots;
    std::array<std::uint16_t, kLanes> marks;  // kFree, or 16 bits of the tag
    std::uint64_t passed;                     // entries that had to go on to the next line
  };
  static_assert(sizeof(Line) == 64);

  static std::size_t lines_for(std::uint32_t max_entries) {
    return std::bit_ceil(std::max<std::size_t>(2 * kLanes, std::size_t{max_entries} * 2)) / kLanes;
  }
  // The tag's upper bits; the mark is of its lower ones.
  std::size_t home(std::uint32_t tag) const { return tag >> shift_; }
  static std::uint16_t mark_of(std::uint32_t tag) {
    const auto mark = static_cast<std::uint16_t>(tag);
    return mark == kFree ? 1 : mark;
  }
  // The highest bit of each 16 that are the mark; of those above the lowest such, perhaps of others too.
  static std::uint64_t lanes_with(const Line& line, std::uint16_t mark) {
    constexpr std::uint64_t kOnes = 0x0001'0001'0001'0001;
    const std::uint64_t differences = std::bit_cast<std::uint64_t>(line.marks) ^ mark * kOnes;
    return (differences - kOnes) & ~differences & kOnes << 15;
  }
  static std::size_t lane_of(std::uint64_t lanes) {
    static_assert(std::endian::native == std::endian::little);
    return static_cast<std::size_t>(std::countr_zero(lanes)) / 16;
  }

  std::span<Line> lines_;
  std::size_t mask_;
  unsigned shift_;
};

}  // namespace sovereign::cache
