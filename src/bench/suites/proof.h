// The benchmark of proofs: canonical JSON, digests, signatures, and what is built of them, each against its
// plain alternative. Everything runs in this process; only the Python peer is a program of its own.
//
// Costs are CPU time of one thread (paired_cost.h). Ratios are medians of paired rounds. One group of keys,
// one file:
//   signatures      batch_verify_vs_single_8, _64, _512: libsodium's verification of one signature against
//                   ours of one within a batch of so many, on portable code, keys not seen before;
//                   batch_verify_vs_single_8_simd, _64_simd: on the fastest backend of this CPU
//   canonical_json  canonical_json_mb_s (a figure), canonical_json_vs_python
//   digests         digest_cached_vs_recomputed
//   gates           gate_admit_us, gate_replay_us, gate_stale_us, gate_reject_allocations (figures),
//                   gate_vs_signature_first
//   logs            merkle_append_per_s, merkle_proof_us in a log of a million (figures)
//   receipts        receipt_cost_ms (a figure)
// A group is a function of ProofGroup; the list is in proof.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/harness.h"
#include "bench/paired_cost.h"
#include "bench/report.h"

namespace sovereign::bench {

struct ProofOptions {
  std::filesystem::path python;         // with the tests' packages; empty or absent: its keys are left out
  std::filesystem::path python_script;  // scripts/time_rfc8785.py
  std::vector<std::string> groups;      // empty: all
  CostOptions cost;
  std::uint64_t seed = 1;
  std::string date;
};

// Names of the groups, in the order in which they run.
std::vector<std::string> proof_groups();

// Errors: invalid_argument (no such group); what a group ran into.
result<Report> run_proof_suite(const ProofOptions& options, const Progress& progress);

}  // namespace sovereign::bench
