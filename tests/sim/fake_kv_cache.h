// What llama.cpp's unified KV cache would hold after the scheduler's plans, token by token.
//
// Written apart from KvLedger on purpose: it checks it. Every violation is returned as a sentence.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/plan.h"

namespace sovereign::engine::sim {

class FakeKvCache {
 public:
  explicit FakeKvCache(std::uint32_t slots) : slots_(slots) {}

  std::optional<std::string> apply(const KvOp& op) {
    auto& slot = slots_[op.slot];
    if (op.kind == KvOp::Kind::trim) {
      if (op.length > slot.size()) return "trim beyond the slot's end";
      for (; slot.size() > op.length; slot.pop_back()) {
        if (--holders_[slot.back().cell] == 0) --used_;
      }
      return std::nullopt;
    }
    if (!slot.empty()) return "share into a slot that is not empty";
    const auto& from = slots_[op.from];
    if (op.length > from.size()) return "share of tokens that are not in the cache yet";
    slot.assign(from.begin(), from.begin() + op.length);
    for (const Entry& entry : slot) ++holders_[entry.cell];
    return std::nullopt;
  }

  std::optional<std::string> decode(const Row& row) {
    auto& slot = slots_[row.slot];
    if (row.position != slot.size()) {
      return "row at position " + std::to_string(row.position) + " of a slot with " +
             std::to_string(slot.size()) + " tokens";
    }
    slot.push_back({row.token, static_cast<std::uint32_t>(holders_.size())});
    holders_.push_back(1);
    ++used_;
    return std::nullopt;
  }

  // Distinct cells in use.
  std::size_t used() const { return used_; }

  std::vector<Token> tokens(Slot slot) const {
    std::vector<Token> tokens;
    for (const auto& entry : slots_[slot]) tokens.push_back(entry.token);
    return tokens;
  }

 private:
  struct Entry {
    Token token;
    std::uint32_t cell;
  };
  std::vector<std::vector<Entry>> slots_;
  std::vector<std::uint32_t> holders_;  // by cell; cells are numbered as they are first used, never again
  std::size_t used_ = 0;
};

}  // namespace sovereign::engine::sim
