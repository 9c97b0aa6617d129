#include "engine/scheduler.h"

#include <algorithm>
#include <cassert>

#include "engine/scheduler_sequence.h"

namespace sovereign::engine {

namespace {

// Waiting for a running prefill is worth it when it saves at least this many tokens, or the whole prompt.
constexpr std::uint32_t kWorthWaitingTokens = 16;
// Cells kept free for each running sequence when another is admitted, so that admission is not followed
// by preemption a few tokens later.
constexpr std::uint32_t kDecodeReserveCells = 8;
// A prompt with so many times less left than the oldest one's passes it, in a part of the step: who asks a
// short question does not wait for a book to be read.
constexpr std::uint32_t kMuchShorter = 4;
constexpr std::uint32_t kPartForShort = 4;

}  // namespace

Scheduler::Scheduler(const SchedulerConfig& config)
    : config_(config),
      ledger_(config.kv_cells, config.max_sequences + config.max_cached_prefixes),
      leases_(config.max_sequences + config.max_cached_prefixes) {
  assert(config.max_sequences > 0 && config.step_token_budget >= config.max_sequences);
  assert(config.prefill_chunk_tokens > 0 && leases_.size() <= PrefixIndex::kMaxSlots);
}

Scheduler::~Scheduler() = default;

void Scheduler::add(SequenceSpec spec) {
  assert(!spec.prompt.empty() && spec.prompt.size() <= config_.kv_cells && !sequences_.contains(spec.id));
  auto sequence = std::make_unique<Sequence>();
  sequence->id = spec.id;
  sequence->arrival = arrivals_++;
  sequence->tokens = std::move(spec.prompt);
  sequence->deadline = spec.deadline;
  waiting_.emplace(sequence->arrival, sequence.get());
  sequences_.emplace(spec.id, std::move(sequence));
}

void Scheduler::cancel(SequenceId id) {
  const auto found = sequences_.find(id);
  if (found == sequences_.end()) return;
  Sequence& sequence = *found->second;
  if (sequence.slot) stop_running(sequence);
  waiting_.erase(sequence.arrival);
  sequences_.erase(found);
}

Plan Scheduler::plan(Time now) {
  Plan plan;
  const std::uint64_t evictions_before = evictions_;
  for (auto& [arrival, sequence] : running_) sequence->in_step = false;
  for (Slot slot = 0; slot < leases_.size(); ++slot) leases_[slot].ready = ledger_.length(slot);

  expire(now, plan);
  schedule_last_tokens(plan);
  const auto rows = static_cast<std::uint32_t>(plan.rows.size());
  std::uint32_t budget = config_.step_token_budget - rows;
  budget = std::min(budget, rows > 0 ? config_.prefill_chunk_tokens : prefill_limit_);
  admit(plan);
  schedule_prefills(budget, plan);
  schedule_drafts(plan);

  plan.evicted_prefixes = static_cast<std::uint32_t>(evictions_ - evictions_before);
  plan.kv_ops = std::move(ops_);
  ops_.clear();
  return plan;
}

void Scheduler::expire(Time now, Plan& plan) {
  for (const auto& [id, sequence] : sequences_) {
    if (sequence->deadline && *sequence->deadline <= now) plan.expired.push_back(id);
  }
  std::sort(plan.expired.begin(), plan.expired.end());
  for (const SequenceId id : plan.expired) cancel(id);
}

// Decoding sequences, and those whose prompt is shared or computed but for one token.
void Scheduler::schedule_last_tokens(Plan& plan) {
  // Making room erases younger sequences from running_, so the next one is looked up, not stepped to.
  for (auto next = running_.begin(); next != running_.end();) {
    Sequence& sequence = *next->second;
    if (missing(sequence) == 1) {
      if (make_room(1, sequence, plan) == 0) {
        preempt(sequence, plan);  // it was the youngest
        break;
      }
      add_rows(sequence, 1, plan);
    }
    next = running_.upper_bound(sequence.arrival);
  }
}

void Scheduler::schedule_prefills(std::uint32_t budget, Plan& plan) {
  budget -= schedule_short_prefills(budget / kPartForShort, plan);
  for (auto next = running_.begin(); next != running_.end() && budget > 0;) {
    Sequence& sequence = *next->second;
    if (!sequence.in_step) budget -= add_prefill(sequence, budget, plan);
    next = running_.upper_bound(sequence.arrival);
  }
}

// The rows that it took.
std::uint32_t Scheduler::add_prefill(Sequence& sequence, std::uint32_t budget, Plan& plan) {
  const std::uint32_t count = make_room(std::min(missing(sequence), budget), sequence, plan);
  if (count > 0) add_rows(sequence, count, plan);
  return count;
}

// Of prompts that are much shorter than the oldest one's, those with the least left. The rows that they took.
std::uint32_t Scheduler::schedule_short_prefills(std::uint32_t budget, Plan& plan) {
  const auto oldest = std::find_if(running_.begin(), running_.end(),
                                   [](const auto& entry) { return !entry.second->in_step; });
  if (oldest == running_.end() || budget == 0) return 0;
  const std::uint32_t longest = missing(*oldest->second) / kMuchShorter;
  std::vector<std::pair<std::uint32_t, Arrival>> short_ones;
  for (auto next = std::next(oldest); next != running_.end(); ++next) {
    const std::uint32_t remaining = next->second->in_step ? 0 : missing(*next->second);
    if (remaining > 0 && remaining <= longest) short_ones.emplace_back(remaining, next->first);
  }
  std::sort(short_ones.begin(), short_ones.end());
  std::uint32_t taken = 0;
  for (const auto& [remaining, arrival] : short_ones) {
    if (taken == budget) break;
    const auto found = running_.find(arrival);  // making room for another may have preempted it
    if (found != running_.end()) taken += add_prefill(*found->second, budget - taken, plan);
  }
  return taken;
}

void Scheduler::admit(Plan& plan) {
  for (auto next = waiting_.begin(); next != waiting_.end() && running_.size() < config_.max_sequences;) {
    Sequence& sequence = *(next++)->second;
    if (still_held(sequence)) continue;
    sequence.hold.reset();

    Sharing sharing;
    if (config_.prefix_sharing) {
      const auto matches = index_.match(sequence.tokens);
      sharing = best_ready_prefix(sequence, matches);
      if (must_wait_for_prefix(sequence, matches, sharing.length)) continue;
    }
    // First come, first served: nobody passes a sequence that waits for room.
    if (!try_admit(sequence, sharing, plan)) break;
  }
}

bool Scheduler::still_held(const Sequence& sequence) const {
  if (!sequence.hold) return false;
  const Sequence* leader = leases_[sequence.hold->slot].sequence;
  return leader != nullptr && leader->id == sequence.hold->leader &&
         leases_[sequence.hold->slot].ready < sequence.hold->length;
}

// The last token is always computed, for its logits: at most known() - 1 tokens are shared.
Scheduler::Sharing Scheduler::best_ready_prefix(const Sequence& sequence,
                                                std::span<const PrefixIndex::Match> matches) const {
  Sharing best;
  for (const auto& match : matches) {
    const std::uint32_t ready = std::min({match.length, leases_[match.slot].ready, sequence.known() - 1});
    if (ready > best.length) best = {match.slot, ready};
  }
  return best;
}

bool Scheduler::must_wait_for_prefix(Sequence& sequence, std::span<const PrefixIndex::Match> matches,
                                     std::uint32_t ready_length) const {
  std::uint32_t longest = ready_length;
  for (const auto& match : matches) {
    const Sequence* leader = leases_[match.slot].sequence;
    const std::uint32_t length = std::min(match.length, sequence.known() - 1);
    if (leader == nullptr || length <= longest || leases_[match.slot].ready >= length) continue;
    const bool whole_prompt = length + 1 == sequence.known();  // the other choices of a request
    if (!whole_prompt && length - ready_length < kWorthWaitingTokens) continue;
    longest = length;
    sequence.hold = Sequence::Hold{match.slot, leader->id, length};
  }
  return sequence.hold.has_value();
}

// Gives the sequence a slot with the shared prefix in it, if the cache has room for the rest.
bool Scheduler::try_admit(Sequence& sequence, Sharing sharing, Plan& plan) {
  const std::uint64_t reserve = running_.size() * std::uint64_t{kDecodeReserveCells};
  const std::uint64_t needed = sequence.known() - sharing.length + reserve + cells_promised();
  // Sharing makes evictable cells active, so they are not counted as room twice.
  std::uint64_t room = ledger_.free_cells() + ledger_.evictable_cells();
  if (sharing.length > 0 && keeps_prefix(sharing.slot)) {
    room -= std::min<std::uint64_t>(room, ledger_.evictable_cells_within(sharing.slot, sharing.length));
  }
  if (needed > room && !running_.empty()) return false;

  const bool donor_is_used_up =
      sharing.length > 0 && keeps_prefix(sharing.slot) && sharing.length == ledger_.length(sharing.slot);
  std::optional<Slot> slot;
  if (!donor_is_used_up) {
    slot = take_empty_slot(sharing.length > 0 ? std::optional(sharing.slot) : std::nullopt);
  }
  if (slot) {
    ledger_.set_active(*slot, true);
    if (sharing.length > 0) {
      ledger_.share(sharing.slot, *slot, sharing.length);
      ops_.push_back({KvOp::Kind::share, *slot, sharing.length, sharing.slot});
      leases_[sharing.slot].last_used = ++use_counter_;
    }
  } else {
    // The kept prefix goes on as this sequence.
    slot = sharing.slot;
    index_.remove(*slot);
    trim(*slot, sharing.length);
    ledger_.set_active(*slot, true);
  }

  leases_[*slot] = {&sequence, ++use_counter_, sharing.length};
  if (config_.prefix_sharing) index_.insert(*slot, sequence.tokens);
  sequence.slot = *slot;
  sequence.in_step = false;
  waiting_.erase(sequence.arrival);
  running_.emplace(sequence.arrival, &sequence);
  plan.admitted.push_back({sequence.id, sharing.length, sequence.was_preempted});
  return true;
}

// Known tokens that are not in the cache yet.
std::uint32_t Scheduler::missing(const Sequence& sequence) const {
  return sequence.known() - ledger_.length(*sequence.slot);
}

void Scheduler::add_rows(Sequence& sequence, std::uint32_t count, Plan& plan) {
  const Slot slot = *sequence.slot;
  const std::uint32_t begin = ledger_.length(slot);
  ledger_.append(slot, count);
  for (std::uint32_t position = begin; position < begin + count; ++position) {
    const bool last = position + 1 == sequence.known();
    plan.rows.push_back({sequence.id, slot, sequence.tokens[position], position, last, false});
    if (!last) ++plan.prefill_tokens;
  }
  sequence.in_step = true;
}

// Frees cells until `cells` of them are there; kept prefixes first, then younger sequences. Returns how
// many the requester may take.
std::uint32_t Scheduler::make_room(std::uint32_t cells, const Sequence& requester, Plan& plan) {
  while (ledger_.free_cells() < cells) {
    if (ledger_.evictable_cells() > 0 && evict_prefix()) continue;
    if (!preempt_younger_than(requester.arrival, plan)) break;
  }
  return std::min(cells, ledger_.free_cells());
}

bool Scheduler::preempt_younger_than(Arrival arrival, Plan& plan) {
  if (running_.empty()) return false;
  Sequence& youngest = *running_.rbegin()->second;
  if (youngest.arrival <= arrival || youngest.in_step) return false;
  preempt(youngest, plan);
  return true;
}

void Scheduler::preempt(Sequence& sequence, Plan& plan) {
  const Slot slot = *sequence.slot;
  index_.remove(slot);
  trim(slot, 0);
  ledger_.set_active(slot, false);
  leases_[slot] = {};
  sequence.slot.reset();
  sequence.was_preempted = true;
  sequence.draft.clear();
  running_.erase(sequence.arrival);
  waiting_.emplace(sequence.arrival, &sequence);
  plan.preempted.push_back(sequence.id);
}

// Cells that running sequences still need for tokens already known.
std::uint64_t Scheduler::cells_promised() const {
  std::uint64_t cells = 0;
  for (const auto& [arrival, sequence] : running_) {
    cells += missing(*sequence);
  }
  return cells;
}

std::vector<SequenceId> Scheduler::fail(const Plan& plan) {
  std::vector<SequenceId> failed;
  for (const Row& row : plan.rows) {
    const auto found = sequences_.find(row.sequence);
    if (found == sequences_.end()) continue;
    index_.remove(row.slot);
    trim(row.slot, 0);
    ledger_.set_active(row.slot, false);
    leases_[row.slot] = {};
    running_.erase(found->second->arrival);
    sequences_.erase(found);
    failed.push_back(row.sequence);
  }
  return failed;
}

void Scheduler::stop_running(Sequence& sequence) {
  const Slot slot = *sequence.slot;
  index_.remove(slot);
  ledger_.set_active(slot, false);
  leases_[slot].sequence = nullptr;
  leases_[slot].last_used = ++use_counter_;
  running_.erase(sequence.arrival);
  sequence.slot.reset();
  keep_as_prefix(slot, std::span(sequence.tokens).first(ledger_.length(slot)));
}

// Keeps a stopped sequence's cells for others to share, unless another slot has the same and more; drops
// kept prefixes that this one contains.
void Scheduler::keep_as_prefix(Slot slot, std::span<const Token> tokens) {
  if (!config_.prefix_sharing || config_.max_cached_prefixes == 0 || tokens.empty()) {
    trim(slot, 0);
    return;
  }
  for (const auto& match : index_.match(tokens)) {
    if (match.length == tokens.size() && ledger_.length(match.slot) >= match.length) {
      leases_[match.slot].last_used = leases_[slot].last_used;
      trim(slot, 0);
      return;
    }
    if (keeps_prefix(match.slot) && match.length == ledger_.length(match.slot)) {
      index_.remove(match.slot);
      trim(match.slot, 0);
    }
  }
  index_.insert(slot, tokens);

  std::uint32_t kept = 0;
  for (Slot other = 0; other < leases_.size(); ++other) kept += keeps_prefix(other) ? 1 : 0;
  if (kept > config_.max_cached_prefixes) evict_prefix();
}

void Scheduler::trim(Slot slot, std::uint32_t length) {
  if (ledger_.length(slot) == length) return;
  ledger_.truncate(slot, length);
  leases_[slot].ready = std::min(leases_[slot].ready, length);
  ops_.push_back({KvOp::Kind::trim, slot, length});
}

// Drops the kept prefix that was used longest ago; false when there is none.
bool Scheduler::evict_prefix(std::optional<Slot> except) {
  std::optional<Slot> oldest;
  for (Slot slot = 0; slot < leases_.size(); ++slot) {
    if (!keeps_prefix(slot) || slot == except) continue;
    if (!oldest || leases_[slot].last_used < leases_[*oldest].last_used) oldest = slot;
  }
  if (!oldest) return false;
  index_.remove(*oldest);
  trim(*oldest, 0);
  ++evictions_;
  return true;
}

std::optional<Slot> Scheduler::take_empty_slot(std::optional<Slot> except) {
  do {
    for (Slot slot = 0; slot < leases_.size(); ++slot) {
      if (leases_[slot].sequence == nullptr && ledger_.length(slot) == 0) return slot;
    }
  } while (evict_prefix(except));
  return std::nullopt;
}

}  // namespace sovereign::engine
