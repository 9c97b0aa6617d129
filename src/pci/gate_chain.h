// The gates that an envelope must pass, in this order; all that is cheap comes before the signature:
//
//   schema     the bytes are an envelope                     no memory touched but its own
//   rate       its client has not used up its allowance      one small table
//   replay     its key has not used its nonce                one hash, two sets
//   timestamp  it is within the window                       two comparisons
//   policy     policy, kind, sender and key are accepted     one look-up
//   signature  it holds                                      tens of microseconds
//   record     the nonce is taken, in memory and on disk     one write
//   quality    the scores reach the threshold                eight additions
//
// The nonce is taken only after the signature holds, so that nobody can burn another's nonce with forgeries.
// It is taken before the verdict, so that an envelope is admitted at most once, whatever crashes; and before
// quality, so that a signed envelope is judged once.
//
// admit_batch() takes the survivors' signatures together and writes their nonces at once. It admits what
// admit() would, one after the other; what has two reasons to be refused may be told the other one, and when
// the nonces cannot be written, the whole batch is refused.
//
// The wall clock comes in as an argument. Thread-safe. A rejection up to the signature allocates nothing.
#pragma once

#include <span>

#include "base/clock.h"
#include "pci/gate_metrics.h"
#include "pci/gate_policy.h"
#include "pci/replay_journal.h"

namespace sovereign::pci {

struct Arrival {
  std::string_view bytes;
  ClientId client = 0;
};

class GateChain {
 public:
  // journal may be null: nonces are then forgotten when the process ends. Both outlive the chain, as does the
  // clock, which measures how long each gate took. The store's window must be the policy's.
  GateChain(GatePolicy policy, ReplayStore& store, ReplayJournal* journal, const RateLimit& limit,
            const Clock& clock);

  // now_ms: since 1970-01-01 UTC.
  RejectCode admit(const Arrival& arrival, std::uint64_t now_ms);
  // verdicts.size() == arrivals.size().
  void admit_batch(std::span<const Arrival> arrivals, std::uint64_t now_ms, std::span<RejectCode> verdicts);

  GateSnapshot metrics() const noexcept { return metrics_.snapshot(); }

 private:
  struct Outcome {
    RejectCode code;
    Gate gate;
  };
  struct Candidate;
  class Stopwatch;

  Outcome check_before_signature(const Arrival& arrival, std::uint64_t now_ms, Candidate& candidate,
                                 Stopwatch& watch) noexcept;
  static RejectCode to_reject(Recorded recorded) noexcept;
  void verify_together(std::span<Candidate> candidates, std::span<Outcome> outcomes) const;
  void record_together(std::span<Candidate> candidates, std::uint64_t now_ms, std::span<Outcome> outcomes);

  const GatePolicy policy_;
  ReplayStore& store_;
  ReplayJournal* const journal_;
  RateLimiter limiter_;
  const Clock& clock_;
  GateMetrics metrics_;
};

}  // namespace sovereign::pci
