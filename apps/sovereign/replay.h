// Runs the model again as a receipt says it was run, to see whether the same answer comes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pci/receipt.h"

namespace sovereign {

struct ReplayRequest {
  const pci::ReceiptContent& receipt;
  std::string_view query;  // the sealed bytes
  std::filesystem::path model;
  std::string chat_template;  // a file; empty: the model's own
};

struct Replay {
  std::string answer;  // the bytes that a receipt of it would seal
  // What was not as it was then, in words: settings, build. A difference may or may not matter.
  std::vector<std::string> differences;
  // Why another answer would be no wonder, whatever the settings: what stands in the way of the deterministic
  // mode; empty when nothing does.
  std::string why_not_repeatable;
};

// Loads the model; seconds. With the receipt's engine settings, sampling and seed, one sequence alone,
// nothing shared or cached, in deterministic mode (engine.deterministic) where it can be kept. Errors:
// invalid_argument (the query is none of the receipt's form), as load_model(), and what becomes of the query.
result<Replay> replay(const ReplayRequest& request);

}  // namespace sovereign
