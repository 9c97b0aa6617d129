// Who holds which cells of the KV cache: a reference-counted account, without the cache.
//
// A slot is one llama.cpp sequence id. In a unified cache a cell belongs to every slot that tagged it, so
// sharing a prefix costs no cell, and a cell is free again when its last slot lets go. The ledger mirrors
// that, one count per cell, so that the scheduler knows before a decode whether there is room.
//
// Slots are active (a sequence runs in it) or idle (a finished prefix, kept for others to share). Cells
// that only idle slots hold can be had back: `evictable_cells()`.
//
// Pure; not thread-safe. Preconditions are asserted, not reported: callers are our own.
#pragma once

#include <cstdint>
#include <vector>

namespace sovereign::engine {

using Slot = std::uint32_t;

class KvLedger {
 public:
  KvLedger(std::uint32_t cells, std::uint32_t slots);

  std::uint32_t total_cells() const { return static_cast<std::uint32_t>(cells_.size()); }
  std::uint32_t free_cells() const { return static_cast<std::uint32_t>(free_.size()); }
  std::uint32_t used_cells() const { return total_cells() - free_cells(); }
  // Used cells that no active slot holds.
  std::uint32_t evictable_cells() const { return used_cells() - active_cells_; }

  std::uint32_t slots() const { return static_cast<std::uint32_t>(slots_.size()); }
  // Cells in the slot = tokens whose keys and values it has, from position 0.
  std::uint32_t length(Slot slot) const { return static_cast<std::uint32_t>(slots_[slot].cells.size()); }
  bool active(Slot slot) const { return slots_[slot].active; }

  void set_active(Slot slot, bool active);
  // Takes `count` fresh cells at the slot's end. Needs count <= free_cells().
  void append(Slot slot, std::uint32_t count);
  // Tags the first `length` cells of `from` for the empty slot `to` as well.
  void share(Slot from, Slot to, std::uint32_t length);
  // Of the slot's first `length` cells, those that no active slot holds.
  std::uint32_t evictable_cells_within(Slot slot, std::uint32_t length) const;
  // Lets go of all cells past `length`.
  void truncate(Slot slot, std::uint32_t length);

 private:
  struct Cell {
    std::uint16_t holders = 0;
    std::uint16_t active_holders = 0;
  };
  struct SlotState {
    std::vector<std::uint32_t> cells;  // by position
    bool active = false;
  };

  void hold(std::uint32_t cell, bool active);
  void let_go(std::uint32_t cell, bool active);

  std::vector<Cell> cells_;
  std::vector<std::uint32_t> free_;
  std::vector<SlotState> slots_;
  std::uint32_t active_cells_ = 0;  // cells with an active holder
};

}  // namespace sovereign::engine
