// Merkle logs on disk: appending, and proving in a log of a million; and what a receipt costs, from texts to
// JSON. CPU time, writes to the page cache included; and of receipts the elapsed time, with checkpoints
// beside them.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <random>

#include "bench/random.h"
#include "bench/scratch_folder.h"
#include "bench/suites/proof_group.h"
#include "crypto/merkle_log.h"
#include "pci/receipt_issuer.h"

namespace sovereign::bench {
namespace {

using crypto::MerkleLog;

constexpr std::uint64_t kNowMs = 1'800'000'000'000;
constexpr std::size_t kAppendsPerCommit = 1024;
constexpr std::uint64_t kLogLeaves = 1'000'000;
constexpr std::size_t kQueryBytes = 512;
constexpr std::size_t kAnswerBytes = 2048;
constexpr int kElapsedRounds = 10;
constexpr int kReceiptsPerRound = 1'000;

// Appends entries of 32 bytes, each hashed as a leaf.
result<void> append_and_commit(MerkleLog& log, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    char entry[32] = {};
    const std::uint64_t number = log.size();
    std::memcpy(entry, &number, sizeof number);
    log.append(crypto::merkle_leaf_hash({entry, sizeof entry}));
  }
  return log.commit();
}

}  // namespace

result<void> measure_logs(ProofRun& run) {
  const ScratchFolder folder;
  const auto key = crypto::SigningKey::generate();
  if (!key) return fail(key.error());
  auto log = MerkleLog::create(folder.path() / "append", *key, kNowMs, MerkleLog::Sync::on_checkpoint);
  if (!log) return fail(std::move(log.error()));
  result<void> status;
  const auto append = [&] {
    if (status) status = append_and_commit(*log, kAppendsPerCommit);
  };
  const auto appends = run.measure("Merkle log, an entry of 32 bytes",
                                   {{"append, commits of 1024", kAppendsPerCommit, append}});
  if (!status) return status;
  std::vector<double> per_second;
  for (const double ns : appends[0]) per_second.push_back(1e9 / ns);
  run.add_figure("merkle_append_per_s", per_second);

  auto large = MerkleLog::create(folder.path() / "prove", *key, kNowMs, MerkleLog::Sync::on_checkpoint);
  if (!large) return fail(std::move(large.error()));
  while (large->size() < kLogLeaves)
    if (auto good = append_and_commit(*large, 10'000); !good) return good;
  std::mt19937_64 random(run.options.seed);
  const auto prove = [&] {
    const auto path = large->inclusion_proof(draw_below(random, kLogLeaves), kLogLeaves);
    if (!path) status = fail(path.error());
    keep(path);
  };
  const auto prove_growth = [&] {
    const auto proof = large->consistency_proof(1 + draw_below(random, kLogLeaves - 1), kLogLeaves);
    if (!proof) status = fail(proof.error());
    keep(proof);
  };
  const auto proofs = run.measure("Merkle log of 1,000,000 entries",
                                  {{"inclusion proof", 1, prove}, {"consistency proof", 1, prove_growth}});
  if (!status) return status;
  run.add_figure("merkle_proof_us", in_microseconds(proofs[0]));
  run.add_figure("merkle_consistency_proof_us", in_microseconds(proofs[1]));
  return {};
}

result<void> measure_receipts(ProofRun& run) {
  const ScratchFolder folder;
  auto key = crypto::SigningKey::generate();
  if (!key) return fail(key.error());
  pci::ReceiptIssuerConfig config;
  config.folder = folder.path() / "receipts";
  config.engine = "benchmark";
  config.checkpoint_ms = 100;
  auto issuer = pci::ReceiptIssuer::open(config, std::move(*key), kNowMs);
  if (!issuer) return fail(std::move(issuer.error()));
  const std::string query(kQueryBytes, 'q');
  const std::string answer(kAnswerBytes, 'a');
  pci::ReceiptDraft draft;
  draft.query = query;
  draft.answer = answer;
  draft.model_name = "benchmark";
  draft.sampling = {{"max_tokens", "256"}, {"seed", "42"}, {"temperature", "0.7"}, {"top_p", "0.95"}};
  draft.scores.fill(9'800);
  draft.received_ms = kNowMs;
  result<void> status;
  const auto issue = [&] {
    const auto file = (*issuer)->issue(draft, kNowMs + 1);
    if (!file) {
      status = fail(file.error());
      return;
    }
    keep(pci::to_json(*file));
  };
  const auto costs = run.measure("a receipt for 512 bytes asked and 2 KB answered",
                                 {{"salt, sign, log, sign the head, prove, write", 1, issue}});
  if (!status) return status;
  std::vector<double> in_ms;
  for (const double ns : costs[0]) in_ms.push_back(ns / 1e6);
  run.add_figure("receipt_cost_ms", in_ms);

  // Time that a client waits, with the log being synced and its heads stored meanwhile.
  std::vector<double> waited_ms;
  std::vector<double> waited_p99_ms;
  for (int round = 0; round < kElapsedRounds && status; ++round) {
    std::vector<double> of_round;
    for (int i = 0; i < kReceiptsPerRound; ++i) {
      const auto begun = std::chrono::steady_clock::now();
      issue();
      of_round.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
    }
    std::sort(of_round.begin(), of_round.end());
    waited_ms.push_back(of_round[of_round.size() / 2]);
    waited_p99_ms.push_back(of_round[of_round.size() * 99 / 100]);
  }
  if (!status) return status;
  run.add_figure("receipt_elapsed_ms", waited_ms);
  run.add_figure("receipt_elapsed_p99_ms", waited_p99_ms);
  run.report.notes.push_back(fmt::format(
      "receipts: {} checkpoints were taken beside them, one every {} ms at most; figures of elapsed time "
      "count what waiting for them costs",
      (*issuer)->stats().checkpoints, config.checkpoint_ms));
  return {};
}

}  // namespace sovereign::bench
