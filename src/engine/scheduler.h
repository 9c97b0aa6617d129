// Continuous batching as a pure state machine: arrivals, cancels and sampled tokens in; the next batch out.
//
// Each step has a token budget (iteration-level scheduling of Orca, OSDI '22; chunked prefill of
// Sarathi-Serve, OSDI '24): sequences with one token left to compute go first, so that a long prompt never
// holds up the others' tokens; what remains goes to prefill, oldest first, but for a quarter that prompts
// much shorter than the oldest one's may have.
//
// Prefixes are computed once. A new sequence shares the longest prefix that any slot, running or kept,
// has in the KV cache; when a running slot is still computing a longer one, the new sequence waits for it
// instead of computing the same again. Finished sequences stay in their slots as prefixes until their
// cells or slots are needed, least recently used first.
//
// When cells run out, kept prefixes go first, then the youngest running sequence is preempted: it goes
// back to the queue at its place of arrival and is computed again later, generated tokens included. The
// oldest sequence is never preempted and always fits, so each sequence ends.
//
// Drafts (speculative decoding: Leviathan et al., arXiv 2211.17192): whoever can guess how a decoding
// sequence goes on offers the tokens before a plan. They are computed in the same step as the sequence's last
// token, in rows and cells that nobody else wanted, and apply() lets go of those that turned out wrong.
//
// No I/O, no clock, no randomness, no threads: not thread-safe. Preconditions are asserted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/kv_ledger.h"
#include "engine/plan.h"
#include "engine/prefix_index.h"

namespace sovereign::engine {

struct SchedulerConfig {
  std::uint32_t kv_cells = 4096;
  std::uint32_t max_sequences = 8;          // running at once
  std::uint32_t max_cached_prefixes = 8;    // kept after they finished; with the above <= 256 slots
  std::uint32_t step_token_budget = 512;    // >= max_sequences
  std::uint32_t prefill_chunk_tokens = 48;  // prefill per step while others decode, >= 1
  bool prefix_sharing = true;
  std::uint32_t step_draft_tokens = 0;  // drafts in one step, of all sequences together
};

// A sequence to run: it needs cells for its prompt and its output (less the last token) at once, so
// prompt + output - 1 <= kv_cells must hold; the caller ends it at its token limit.
struct SequenceSpec {
  SequenceId id = 0;  // unique among those not yet finished
  std::vector<Token> prompt;
  std::optional<Time> deadline;
};

class Scheduler {
 public:
  explicit Scheduler(const SchedulerConfig& config);
  ~Scheduler();

  // Puts a sequence at the end of the queue. Its prompt is not empty and fits the cache.
  void add(SequenceSpec spec);

  // Forgets a sequence, waiting or running; unknown ids are ignored. What it computed stays as a prefix.
  void cancel(SequenceId id);

  // Running sequences with one token left to compute, oldest first: those that take drafts.
  std::vector<SequenceId> decoding() const;

  // A guess at the tokens that come after those known of a sequence in decoding(). The next plan takes as
  // many of them as have room, first ones first, and forgets the rest.
  void offer_draft(SequenceId id, std::vector<Token> tokens);

  // Decides the next step and takes it as done: the caller carries it out, then reports with apply()
  // before it plans again.
  Plan plan(Time now);

  // The tokens that the rows with logits led to; see Sampled for those of drafts.
  void apply(std::span<const Sampled> sampled);

  // Most prefill tokens of the steps to come in which nobody decodes: a step that began cannot be left. At
  // least 1; without a call only the budget counts.
  void limit_prefill(std::uint32_t tokens) { prefill_limit_ = std::max(tokens, 1U); }

  // The decode failed: forgets every sequence of the batch, and its cells, and returns them.
  std::vector<SequenceId> fail(const Plan& plan);

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t running() const { return running_.size(); }
  bool idle() const { return waiting_.empty() && running_.empty(); }
  const KvLedger& ledger() const { return ledger_; }
  const PrefixIndex& prefixes() const { return index_; }

 private:
  struct Sequence;
  using Arrival = std::uint64_t;  // order of arrival: smaller is older
  struct Lease {
    Sequence* sequence = nullptr;  // null: the slot is free, or keeps a prefix
    std::uint64_t last_used = 0;   // value of use_counter_
    std::uint32_t ready = 0;       // tokens in the cache before this step: what may be shared now
  };
  struct Sharing {
    Slot slot = 0;
    std::uint32_t length = 0;
  };

  void expire(Time now, Plan& plan);
  void schedule_last_tokens(Plan& plan);
  void schedule_prefills(std::uint32_t budget, Plan& plan);
  std::uint32_t schedule_short_prefills(std::uint32_t budget, Plan& plan);
  std::uint32_t add_prefill(Sequence& sequence, std::uint32_t budget, Plan& plan);
  void admit(Plan& plan);
  bool try_admit(Sequence& sequence, Sharing sharing, Plan& plan);
  bool must_wait_for_prefix(Sequence& sequence, std::span<const PrefixIndex::Match> matches,
                            std::uint32_t ready_length) const;
  Sharing best_ready_prefix(const Sequence& sequence, std::span<const PrefixIndex::Match> matches) const;
  bool still_held(const Sequence& sequence) const;

  void schedule_drafts(Plan& plan);
  std::uint32_t room_for_draft(const Sequence& sequence, std::uint32_t budget);
  std::uint32_t missing(const Sequence& sequence) const;
  void settle(Sequence& sequence, std::span<const Sampled> results);
  void add_rows(Sequence& sequence, std::uint32_t count, Plan& plan);
  std::uint32_t make_room(std::uint32_t cells, const Sequence& requester, Plan& plan);
  bool preempt_younger_than(Arrival arrival, Plan& plan);
  void preempt(Sequence& sequence, Plan& plan);
  std::uint64_t cells_promised() const;

  void stop_running(Sequence& sequence);
  void keep_as_prefix(Slot slot, std::span<const Token> tokens);
  void trim(Slot slot, std::uint32_t length);
  bool keeps_prefix(Slot slot) const { return leases_[slot].sequence == nullptr && ledger_.length(slot) > 0; }
  bool evict_prefix(std::optional<Slot> except = std::nullopt);
  std::optional<Slot> take_empty_slot(std::optional<Slot> except);

  SchedulerConfig config_;
  std::uint32_t prefill_limit_ = std::numeric_limits<std::uint32_t>::max();
  KvLedger ledger_;
  PrefixIndex index_;          // running slots: tokens known at admission; kept ones: what they hold
  std::vector<Lease> leases_;  // by slot
  std::unordered_map<SequenceId, std::unique_ptr<Sequence>> sequences_;
  std::map<Arrival, Sequence*> waiting_;
  std::map<Arrival, Sequence*> running_;
  std::vector<KvOp> ops_;  // for the next plan, in order
  Arrival arrivals_ = 0;
  std::uint64_t use_counter_ = 0;
  std::uint64_t evictions_ = 0;
};

}  // namespace sovereign::engine
