// The chain of gates: what it costs to admit an envelope (its nonce written to the journal), to refuse a
// replayed and a stale one, and a flood of replays against the roadmap's order, which verifies first.
#include <fmt/format.h>

#include <memory>

#include "bench/allocation_counter.h"
#include "bench/scratch_folder.h"
#include "bench/suites/proof_group.h"
#include "pci/gate_chain.h"
#include "roadmap_baselines/signature_first.h"

namespace sovereign::bench {
namespace {

using namespace pci;

constexpr std::uint64_t kNowMs = 1'800'000'000'000;
constexpr std::size_t kPayloadBytes = 512;
constexpr std::size_t kFreshEnvelopes = 16'384;
constexpr std::size_t kTogether = 16;

struct Receiver {
  ReplayStore store{ReplayStoreConfig{}};
  std::unique_ptr<ReplayJournal> journal;
  std::unique_ptr<GateChain> chain;
};

result<GatePolicy> policy_of_all() {
  GatePolicyConfig config;
  config.policies = {policy_digest("benchmark")};
  return GatePolicy::from(config);
}

result<std::unique_ptr<Receiver>> make_receiver(const std::filesystem::path& folder, const Clock& clock) {
  auto receiver = std::make_unique<Receiver>();
  auto journal = ReplayJournal::open(folder, receiver->store, kNowMs, BootId{});
  if (!journal) return fail(std::move(journal.error()));
  receiver->journal = std::move(*journal);
  auto policy = policy_of_all();
  if (!policy) return fail(std::move(policy.error()));
  receiver->chain = std::make_unique<GateChain>(std::move(*policy), receiver->store, receiver->journal.get(),
                                                RateLimit{}, clock);
  return receiver;
}

std::string envelope_at(std::uint64_t timestamp_ms, const crypto::SigningKey& key) {
  const std::string payload(kPayloadBytes, 'x');
  EnvelopeFields fields;
  fields.sender = "benchmark";
  fields.nonce = random_nonce();
  fields.timestamp_ms = timestamp_ms;
  fields.policy = policy_digest("benchmark");
  fields.scores.fill(kScoreOne);
  fields.payload = payload;
  return *seal_envelope(fields, key);
}

// The most that a call for each of them allocated.
std::uint64_t allocations_of(GateChain& chain, std::span<const std::string> rejected) {
  std::uint64_t most = 0;
  for (const std::string& bytes : rejected) {
    const std::uint64_t before = bench::allocations_of_this_thread();
    keep(chain.admit({bytes}, kNowMs));
    most = std::max(most, bench::allocations_of_this_thread() - before);
  }
  return most;
}

}  // namespace

result<void> measure_gates(ProofRun& run) {
  const ScratchFolder folder;
  const SteadyClock clock;
  auto made = make_receiver(folder.path() / "gates", clock);
  if (!made) return fail(std::move(made.error()));
  std::unique_ptr<Receiver> receiver = std::move(*made);
  const auto key = crypto::SigningKey::generate();
  if (!key) return fail(key.error());

  std::vector<std::string> fresh;
  for (std::size_t i = 0; i < kFreshEnvelopes; ++i) fresh.push_back(envelope_at(kNowMs, *key));
  const std::string replayed = envelope_at(kNowMs, *key);
  const std::string stale = envelope_at(kNowMs - 1'000'000, *key);
  if (receiver->chain->admit({replayed}, kNowMs) != RejectCode::none)
    return fail(ErrorCode::internal, "the gates refuse a good envelope");

  std::size_t next = 0;
  std::size_t refused = 0;
  const auto begin_anew_before = [&](std::size_t count) {
    if (next + count <= fresh.size()) return;  // rare enough not to count
    next = 0;
    receiver.reset();
    std::filesystem::remove_all(folder.path() / "gates");
    receiver = *make_receiver(folder.path() / "gates", clock);
  };
  const auto admit_next = [&] {
    begin_anew_before(1);
    refused += receiver->chain->admit({fresh[next++]}, kNowMs) != RejectCode::none ? 1 : 0;
  };
  std::vector<RejectCode> verdicts(kTogether);
  std::vector<Arrival> arrivals(kTogether);
  const auto admit_together = [&] {
    begin_anew_before(kTogether);
    for (Arrival& arrival : arrivals) arrival = {fresh[next++]};
    receiver->chain->admit_batch(arrivals, kNowMs, verdicts);
    for (const RejectCode verdict : verdicts) refused += verdict != RejectCode::none ? 1 : 0;
  };
  const auto admitted = run.measure("an envelope of 512 bytes, admitted",
                                    {{"all gates, journal", 1, admit_next},
                                     {"the same, 16 envelopes together", kTogether, admit_together}});
  if (refused > 0) return fail(ErrorCode::internal, fmt::format("{} good envelopes were refused", refused));
  run.add_figure("gate_admit_us", in_microseconds(admitted[0]));
  run.add_figure("gate_admit_batch_16_us", in_microseconds(admitted[1]));

  (void)receiver->chain->admit({replayed}, kNowMs);
  auto policy = policy_of_all();
  if (!policy) return fail(std::move(policy.error()));
  ReplayStore other_store{ReplayStoreConfig{}};
  roadmap::SignatureFirst signature_first(std::move(*policy), other_store);
  (void)signature_first.admit(replayed, kNowMs);
  const auto costs = run.measure(
      "an envelope of 512 bytes, refused",
      {{"replayed, the signature last", 1, [&] { keep(receiver->chain->admit({replayed}, kNowMs)); }},
       {"stale, the signature last", 1, [&] { keep(receiver->chain->admit({stale}, kNowMs)); }},
       {"replayed, the signature first", 1, [&] { keep(signature_first.admit(replayed, kNowMs)); }}});
  run.add_figure("gate_replay_us", in_microseconds(costs[0]));
  run.add_figure("gate_stale_us", in_microseconds(costs[1]));
  run.add_ratio("gate_vs_signature_first", costs[2], costs[0]);

  std::string forged = envelope_at(kNowMs, *key);
  forged.back() = static_cast<char>(forged.back() ^ 1);
  const std::string rejected[] = {replayed, stale, replayed.substr(1), forged};
  run.add_figure("gate_reject_allocations",
                 {static_cast<double>(allocations_of(*receiver->chain, rejected))});
  run.report.notes.push_back(
      "gates: a key not seen before; gate_reject_allocations is the most of a refusal (schema, replay, "
      "stale, "
      "forged); gate_vs_signature_first is the roadmap's cost over ours, so more is better");
  return {};
}

}  // namespace sovereign::bench
