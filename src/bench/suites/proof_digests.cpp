// The digest of a consensus proposal: made once and kept with its bytes, against made again for each message.
#include "bench/suites/proof_documents.h"
#include "bench/suites/proof_group.h"
#include "crypto/digest.h"

namespace sovereign::bench {
namespace {

constexpr std::size_t kPatternBytes = 2048;
constexpr int kValidators = 8;
constexpr crypto::DigestDomain kDomain{"proposal", 1};

}  // namespace

result<void> measure_digests(ProofRun& run) {
  const std::string pattern = pattern_document(kPatternBytes, run.options.seed);
  if (auto digest = crypto::digest_of_json(kDomain, pattern); !digest) return fail(std::move(digest.error()));
  const auto recomputed = [&pattern] {
    for (int message = 0; message < kValidators; ++message) keep(*crypto::digest_of_json(kDomain, pattern));
  };
  const auto cached = [&pattern] {
    const auto proposal = crypto::DigestedJson::from(kDomain, pattern);
    for (int message = 0; message < kValidators; ++message) {
      const crypto::Digest digest = proposal->digest();
      keep(digest);
    }
  };
  const auto costs = run.measure("digest of a 2 KB proposal, per message of 8 validators",
                                 {{"kept with the proposal, its making included", kValidators, cached},
                                  {"made for each message", kValidators, recomputed}});
  run.add_ratio("digest_cached_vs_recomputed", costs[0], costs[1]);
  return {};
}

}  // namespace sovereign::bench
