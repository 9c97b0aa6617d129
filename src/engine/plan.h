// What the scheduler decided for one step: a plain value that the engine carries out in order.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "engine/kv_ledger.h"
#include "engine/token.h"

namespace sovereign::engine {

using SequenceId = std::uint64_t;

// A change to the KV cache's book-keeping; done before the decode, in the order given.
struct KvOp {
  enum class Kind {
    trim,   // `slot` keeps its first `length` positions and lets go of the rest
    share,  // the first `length` positions of `from` are tagged for the empty `slot` too
  };
  Kind kind;
  Slot slot;
  std::uint32_t length;
  Slot from = 0;
};

// One token of the batch.
struct Row {
  SequenceId sequence;
  Slot slot;
  Token token;
  std::uint32_t position;
  bool wants_logits;  // the sequence's last known token, or a draft: its logits choose the next one
  // A guess at the token that the row before it will lead to; follows that row at once. It counts only
  // when that row's logits choose this very token.
  bool draft = false;
};

// A sequence that got a slot in this step.
struct Admission {
  SequenceId sequence;
  std::uint32_t shared_tokens;  // found in the KV cache
  bool resumed;                 // it had run before and was preempted
};

struct Plan {
  std::vector<KvOp> kv_ops;
  std::vector<Row> rows;
  std::vector<Admission> admitted;
  std::vector<SequenceId> expired;    // past their deadline; forgotten by the scheduler
  std::vector<SequenceId> preempted;  // lost their cells, will be computed again
  std::uint32_t prefill_tokens = 0;   // rows that are known tokens before the last
  std::uint32_t draft_tokens = 0;     // rows that are guesses
  std::uint32_t evicted_prefixes = 0;

  bool empty() const { return rows.empty() && kv_ops.empty() && expired.empty(); }
};

// What a row with logits led to. A sequence with drafts in the step has one of these for its last known token
// and one for each draft that was right, in order and next to each other.
struct Sampled {
  SequenceId sequence;
  Token token;
  bool finished;  // the token ends the sequence: it will not be decoded
};

}  // namespace sovereign::engine
