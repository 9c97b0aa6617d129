// The scheduler's part in speculation: which drafts join a step, and what becomes of them.
#include <algorithm>
#include <cassert>

#include "engine/scheduler_sequence.h"

namespace sovereign::engine {

std::vector<SequenceId> Scheduler::decoding() const {
  std::vector<SequenceId> ids;
  for (const auto& [arrival, sequence] : running_) {
    if (missing(*sequence) == 1) ids.push_back(sequence->id);
  }
  return ids;
}

void Scheduler::offer_draft(SequenceId id, std::vector<Token> tokens) {
  const auto found = sequences_.find(id);
  assert(found != sequences_.end() && found->second->slot && missing(*found->second) == 1);
  found->second->draft = std::move(tokens);
}

// Last in a plan: drafts never take a row or a cell that somebody's known tokens could have had. They may
// cost a kept prefix, as any token does, but nobody's place.
void Scheduler::schedule_drafts(Plan& plan) {
  const auto rows_left = config_.step_token_budget - static_cast<std::uint32_t>(plan.rows.size());
  const std::uint32_t budget = std::min(config_.step_draft_tokens, rows_left);
  std::uint32_t drafts = 0;
  for (auto& [arrival, sequence] : running_) {
    if (!sequence->in_step) sequence->draft.clear();
    const std::uint32_t count = room_for_draft(*sequence, budget - drafts);
    sequence->draft.resize(count);
    if (count > 0) ledger_.append(*sequence->slot, count);
    drafts += count;
  }
  if (drafts == 0) return;

  // Each behind its sequence's last token: attention takes neighbours of one sequence together.
  std::vector<Row> rows;
  rows.reserve(plan.rows.size() + drafts);
  for (const Row& row : plan.rows) {
    rows.push_back(row);
    if (!row.wants_logits) continue;
    const std::vector<Token>& draft = sequences_.at(row.sequence)->draft;
    for (std::uint32_t i = 0; i < draft.size(); ++i) {
      rows.push_back({row.sequence, row.slot, draft[i], row.position + 1 + i, true, true});
    }
  }
  plan.rows = std::move(rows);
  plan.draft_tokens = drafts;
}

std::uint32_t Scheduler::room_for_draft(const Sequence& sequence, std::uint32_t budget) {
  const std::uint32_t wanted = std::min(static_cast<std::uint32_t>(sequence.draft.size()), budget);
  while (ledger_.free_cells() < wanted && ledger_.evictable_cells() > 0 && evict_prefix()) {
  }
  return std::min(wanted, ledger_.free_cells());
}

void Scheduler::apply(std::span<const Sampled> sampled) {
  for (std::size_t begin = 0; begin < sampled.size();) {
    std::size_t end = begin + 1;
    while (end < sampled.size() && sampled[end].sequence == sampled[begin].sequence) ++end;
    const auto found = sequences_.find(sampled[begin].sequence);
    assert(found != sequences_.end());
    settle(*found->second, sampled.subspan(begin, end - begin));
    if (sampled[end - 1].finished) sequences_.erase(found);
    begin = end;
  }
}

// All results but the last are of drafts that were right: their cells stay, those of the others go.
void Scheduler::settle(Sequence& sequence, std::span<const Sampled> results) {
  assert(sequence.slot && results.size() <= sequence.draft.size() + 1);
  assert(ledger_.length(*sequence.slot) == sequence.known() + sequence.draft.size());
  for (std::size_t i = 0; i + 1 < results.size(); ++i) {
    assert(!results[i].finished && results[i].token == sequence.draft[i]);
    sequence.tokens.push_back(results[i].token);
  }
  trim(*sequence.slot, sequence.known());
  sequence.draft.clear();
  if (results.back().finished) {
    stop_running(sequence);
  } else {
    sequence.tokens.push_back(results.back().token);
  }
}

}  // namespace sovereign::engine
