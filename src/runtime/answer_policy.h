// What of the configuration changes answers, beside the query and the model: part of every cache key.
#pragma once

#include <string>

namespace sovereign::runtime {

// Texts that differ when the policies do; the runtime's own business otherwise.
struct AnswerPolicy {
  std::string quality;    // quality_policy.h
  std::string reasoning;  // reasoning_policy.h; counts for queries that reason
  // The canary whose variant answers here, as results and receipts name it; empty: none does.
  std::string variant{};
  std::string variant_configuration{};  // a digest of what makes it so
  bool retries = false;  // an answer that falls short is drawn again, also a greedy one (retry_sampling.h)
};

}  // namespace sovereign::runtime
