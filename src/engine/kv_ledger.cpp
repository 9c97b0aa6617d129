#include "engine/kv_ledger.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace sovereign::engine {

KvLedger::KvLedger(std::uint32_t cells, std::uint32_t slots) : cells_(cells), free_(cells), slots_(slots) {
  std::iota(free_.rbegin(), free_.rend(), 0U);
}

void KvLedger::hold(std::uint32_t cell, bool active) {
  Cell& state = cells_[cell];
  ++state.holders;
  if (active && state.active_holders++ == 0) ++active_cells_;
}

void KvLedger::let_go(std::uint32_t cell, bool active) {
  Cell& state = cells_[cell];
  assert(state.holders > 0);
  if (active) {
    assert(state.active_holders > 0);
    if (--state.active_holders == 0) --active_cells_;
  }
  if (--state.holders == 0) free_.push_back(cell);
}

void KvLedger::set_active(Slot slot, bool active) {
  SlotState& state = slots_[slot];
  if (state.active == active) return;
  state.active = active;
  for (const std::uint32_t cell : state.cells) {
    std::uint16_t& holders = cells_[cell].active_holders;
    if (active) {
      if (holders++ == 0) ++active_cells_;
    } else {
      if (--holders == 0) --active_cells_;
    }
  }
}

void KvLedger::append(Slot slot, std::uint32_t count) {
  assert(count <= free_cells());
  SlotState& state = slots_[slot];
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t cell = free_.back();
    free_.pop_back();
    hold(cell, state.active);
    state.cells.push_back(cell);
  }
}

void KvLedger::share(Slot from, Slot to, std::uint32_t length) {
  assert(from != to && slots_[to].cells.empty() && length <= this->length(from));
  SlotState& target = slots_[to];
  const auto& source = slots_[from].cells;
  target.cells.assign(source.begin(), source.begin() + length);
  for (const std::uint32_t cell : target.cells) hold(cell, target.active);
}

void KvLedger::truncate(Slot slot, std::uint32_t length) {
  SlotState& state = slots_[slot];
  assert(length <= state.cells.size());
  while (state.cells.size() > length) {
    let_go(state.cells.back(), state.active);
    state.cells.pop_back();
  }
}

std::uint32_t KvLedger::evictable_cells_within(Slot slot, std::uint32_t length) const {
  const auto& held = slots_[slot].cells;
  assert(length <= held.size());
  return static_cast<std::uint32_t>(
      std::count_if(held.begin(), held.begin() + length,
                    [&](std::uint32_t cell) { return cells_[cell].active_holders == 0; }));
}

}  // namespace sovereign::engine
