#include "bench/suites/proof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/suites/proof_documents.h"
#include "bench/suites/proof_group.h"

namespace sovereign::bench {
namespace {

// So short that it measures nothing, but runs everything.
ProofOptions smallest(std::vector<std::string> groups) {
  ProofOptions options;
  options.groups = std::move(groups);
  options.cost = {.rounds = 1, .round_ms = 0.001};
  return options;
}

TEST(ProofSuite, HasEveryKeyOfTheContractThatNeedsNoPeer) {
  const auto report = run_proof_suite(smallest({"signatures", "digests", "canonical_json"}), Progress(true));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->name, "proof");
  for (const char* key : {"batch_verify_vs_single_8", "batch_verify_vs_single_64",
                          "batch_verify_vs_single_512", "digest_cached_vs_recomputed"})
    EXPECT_TRUE(report->ratios.contains(key)) << key;
  EXPECT_GT(report->figures.at("canonical_json_mb_s"), 0);
}

TEST(ProofSuite, HasTheKeysOfGatesLogsAndReceipts) {
  const auto report = run_proof_suite(smallest({"gates", "logs", "receipts"}), Progress(true));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->ratios.contains("gate_vs_signature_first"));
  for (const char* key : {"gate_admit_us", "gate_replay_us", "gate_stale_us", "merkle_append_per_s",
                          "merkle_proof_us", "receipt_cost_ms"})
    EXPECT_GT(report->figures.at(key), 0) << key;
  EXPECT_EQ(report->figures.at("gate_reject_allocations"), 0);
}

TEST(ProofSuite, WithoutThePeerItsKeyIsLeftOutAndANoteSaysSo) {
  const auto report = run_proof_suite(smallest({"canonical_json"}), Progress(true));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->ratios.contains("canonical_json_vs_python"));
  EXPECT_THAT(report->notes, testing::Contains(testing::HasSubstr("canonical_json_vs_python is left out")));
  EXPECT_FALSE(report->ratios.contains("digest_cached_vs_recomputed"));
}

TEST(ProofSuite, ARatioThatIsSurelyAboveItsBoundIsAnError) {
  ProofOptions options;
  options.cost.rounds = 9;
  const Progress progress(true);
  Report report;
  const ProofRun run{options, progress, report};
  report.ratios["a"] = {1.9, {1.7, 2.2}};
  EXPECT_TRUE(run.require_at_most("a", 2));
  report.ratios["a"] = {2.1, {1.9, 2.2}};
  EXPECT_TRUE(run.require_at_most("a", 2)) << "it may be chance";
  report.ratios["a"] = {2.5, {2.1, 2.6}};
  const auto refused = run.require_at_most("a", 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "a is 2.50 [2.10, 2.60], above 2");
  options.cost.rounds = 1;
  EXPECT_TRUE(run.require_at_most("a", 2)) << "one round is a trial of the program";
}

TEST(ProofSuite, AnUnknownGroupIsRefusedByName) {
  const auto report = run_proof_suite(smallest({"signature"}), Progress(true));
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, testing::HasSubstr("'signature'"));
}

TEST(ProofDocuments, AreAsLongAsAskedAndTheSameForASeed) {
  for (const std::size_t bytes : {std::size_t{2048}, std::size_t{1} << 20}) {
    const std::string text = pattern_document(bytes, 3);
    EXPECT_NEAR(static_cast<double>(text.size()), static_cast<double>(bytes), 500);
    EXPECT_EQ(text, pattern_document(bytes, 3));
    EXPECT_NE(text, pattern_document(bytes, 4));
  }
}

}  // namespace
}  // namespace sovereign::bench
