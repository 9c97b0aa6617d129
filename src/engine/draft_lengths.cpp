#include "engine/draft_lengths.h"

#include <queue>

namespace sovereign::engine {

namespace {

struct Next {
  double chance;  // that the sequence's next drafted token is of use
  std::size_t sequence;

  // The likeliest first, then the earlier sequence.
  bool operator<(const Next& other) const {
    return chance != other.chance ? chance < other.chance : sequence > other.sequence;
  }
};

}  // namespace

std::vector<std::uint32_t> draft_lengths(std::span<const DraftChance> chances, std::uint32_t rows,
                                         std::uint32_t most_tokens, const StepCost& cost, double token_time) {
  std::vector<std::uint32_t> lengths(chances.size(), 0);
  std::priority_queue<Next> next;
  for (std::size_t i = 0; i < chances.size(); ++i) {
    if (chances[i].available > 0) next.push({chances[i].chance, i});
  }
  double expected = static_cast<double>(chances.size());  // tokens of the step
  double time = cost.of_step(rows);
  const double price = cost.of_row() + token_time;
  for (std::uint32_t taken = 0; taken < most_tokens && !next.empty(); ++taken) {
    const Next best = next.top();
    next.pop();
    if (best.chance * time <= expected * price) break;
    expected += best.chance;
    time += price;
    const DraftChance& of = chances[best.sequence];
    if (++lengths[best.sequence] < of.available) next.push({best.chance * of.chance, best.sequence});
  }
  return lengths;
}

}  // namespace sovereign::engine
