#include "pci/gate_chain.h"

#include <sodium.h>

#include <cassert>
#include <vector>

namespace sovereign::pci {

using crypto::ed25519::SignedMessage;

struct GateChain::Candidate {
  std::optional<EnvelopeView> envelope;
  ReplayKey key;
  crypto::Digest digest;
  std::size_t position;  // in the batch
};

// What passed since the last gate belongs to this one.
class GateChain::Stopwatch {
 public:
  Stopwatch(const Clock& clock, GateMetrics& metrics)
      : clock_(clock), metrics_(metrics), last_(clock.now()) {}
  void passed(Gate gate) noexcept {
    const Time now = clock_.now();
    metrics_.spent(gate, static_cast<std::uint64_t>((now - last_).count()));
    last_ = now;
  }

 private:
  const Clock& clock_;
  GateMetrics& metrics_;
  Time last_;
};

GateChain::GateChain(GatePolicy policy, ReplayStore& store, ReplayJournal* journal, const RateLimit& limit,
                     const Clock& clock)
    : policy_(std::move(policy)), store_(store), journal_(journal), limiter_(limit), clock_(clock) {
  assert(policy_.window().past_ms == store.config().window.past_ms &&
         policy_.window().future_ms == store.config().window.future_ms);
}

GateChain::Outcome GateChain::check_before_signature(const Arrival& arrival, std::uint64_t now_ms,
                                                     Candidate& candidate, Stopwatch& watch) noexcept {
  const auto at = [&watch](Gate gate, RejectCode code) {
    watch.passed(gate);
    return Outcome{code, gate};
  };
  candidate.envelope = EnvelopeView::read(arrival.bytes);
  if (!candidate.envelope) return at(Gate::schema, RejectCode::schema);
  const EnvelopeView& envelope = *candidate.envelope;
  watch.passed(Gate::schema);

  if (!limiter_.admit(arrival.client, now_ms)) return at(Gate::rate, RejectCode::rate_limited);
  watch.passed(Gate::rate);

  candidate.key = replay_key(envelope.public_key(), envelope.nonce());
  if (store_.contains(candidate.key)) return at(Gate::replay, RejectCode::nonce_replay);
  watch.passed(Gate::replay);

  const TimeWindow& window = policy_.window();
  store_.forget_before(now_ms - std::min(now_ms, window.past_ms));
  if (envelope.timestamp_ms() + window.past_ms < now_ms || envelope.timestamp_ms() < store_.floor_ms())
    return at(Gate::timestamp, RejectCode::timestamp_stale);
  if (envelope.timestamp_ms() > now_ms + window.future_ms)
    return at(Gate::timestamp, RejectCode::timestamp_future);
  watch.passed(Gate::timestamp);

  if (!policy_.accepts(envelope)) return at(Gate::policy, RejectCode::policy_mismatch);
  watch.passed(Gate::policy);
  return {RejectCode::none, Gate::policy};
}

RejectCode GateChain::to_reject(Recorded recorded) noexcept {
  switch (recorded) {
    case Recorded::fresh: return RejectCode::none;
    case Recorded::known: return RejectCode::nonce_replay;
    case Recorded::forgotten: return RejectCode::timestamp_stale;
    case Recorded::full: return RejectCode::replay_store_full;
  }
  return RejectCode::replay_store_full;
}

RejectCode GateChain::admit(const Arrival& arrival, std::uint64_t now_ms) {
  Stopwatch watch(clock_, metrics_);
  Candidate candidate{};
  Outcome outcome = check_before_signature(arrival, now_ms, candidate, watch);
  if (outcome.code == RejectCode::none) {
    verify_together({&candidate, 1}, {&outcome, 1});
    watch.passed(Gate::signature);
  }
  if (outcome.code == RejectCode::none) {
    record_together({&candidate, 1}, now_ms, {&outcome, 1});
    watch.passed(Gate::record);
  }
  if (outcome.code == RejectCode::none) {
    if (!policy_.is_good_enough(*candidate.envelope)) outcome = {RejectCode::ihsan_below_min, Gate::quality};
    watch.passed(Gate::quality);
  }
  metrics_.verdict(outcome.code, outcome.gate);
  return outcome.code;
}

void GateChain::admit_batch(std::span<const Arrival> arrivals, std::uint64_t now_ms,
                            std::span<RejectCode> verdicts) {
  assert(arrivals.size() == verdicts.size());
  Stopwatch watch(clock_, metrics_);
  std::vector<Outcome> outcomes(arrivals.size());
  std::vector<Candidate> candidates;
  candidates.reserve(arrivals.size());
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    Candidate candidate{};
    candidate.position = i;
    outcomes[i] = check_before_signature(arrivals[i], now_ms, candidate, watch);
    if (outcomes[i].code == RejectCode::none) candidates.push_back(candidate);
  }
  const auto keep_good = [&] {
    std::erase_if(candidates,
                  [&](const Candidate& c) { return outcomes[c.position].code != RejectCode::none; });
  };
  if (!candidates.empty()) {
    verify_together(candidates, outcomes);
    keep_good();
    watch.passed(Gate::signature);
  }
  if (!candidates.empty()) {
    record_together(candidates, now_ms, outcomes);
    keep_good();
    watch.passed(Gate::record);
  }
  for (const Candidate& candidate : candidates)
    if (!policy_.is_good_enough(*candidate.envelope))
      outcomes[candidate.position] = {RejectCode::ihsan_below_min, Gate::quality};
  if (!candidates.empty()) watch.passed(Gate::quality);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    metrics_.verdict(outcomes[i].code, outcomes[i].gate);
    verdicts[i] = outcomes[i].code;
  }
}

void GateChain::verify_together(std::span<Candidate> candidates, std::span<Outcome> outcomes) const {
  const auto signed_message = [this](Candidate& candidate) {
    candidate.digest = candidate.envelope->digest();
    const crypto::PublicKey& key = candidate.envelope->public_key();
    return SignedMessage{{reinterpret_cast<const char*>(candidate.digest.data()), candidate.digest.size()},
                         &key,
                         &candidate.envelope->signature(),
                         policy_.table_of(key)};
  };
  constexpr Outcome kBad{RejectCode::signature, Gate::signature};
  if (candidates.size() == 1) {
    if (!crypto::ed25519::verify(signed_message(candidates[0]))) outcomes[candidates[0].position] = kBad;
    return;
  }
  std::vector<SignedMessage> messages;
  messages.reserve(candidates.size());
  for (Candidate& candidate : candidates) messages.push_back(signed_message(candidate));
  crypto::ed25519::BatchSeed seed;
  randombytes_buf(seed.data(), seed.size());
  const std::vector<bool> good = crypto::ed25519::verify_batch(messages, seed);
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (!good[i]) outcomes[candidates[i].position] = kBad;
}

void GateChain::record_together(std::span<Candidate> candidates, std::uint64_t now_ms,
                                std::span<Outcome> outcomes) {
  std::vector<ReplayJournal::Entry> fresh;
  fresh.reserve(candidates.size());
  for (const Candidate& candidate : candidates) {
    const std::uint64_t timestamp_ms = candidate.envelope->timestamp_ms();
    const RejectCode code = to_reject(store_.record(candidate.key, timestamp_ms));
    outcomes[candidate.position] = {code, Gate::record};
    if (code == RejectCode::none) fresh.push_back({candidate.key, timestamp_ms});
  }
  if (fresh.empty() || journal_ == nullptr || journal_->append(fresh, now_ms)) return;
  // The nonces stay taken in memory: whether they reached the disk is not known.
  for (const Candidate& candidate : candidates) {
    Outcome& outcome = outcomes[candidate.position];
    if (outcome.code == RejectCode::none) outcome.code = RejectCode::replay_store_unavailable;
  }
}

}  // namespace sovereign::pci
