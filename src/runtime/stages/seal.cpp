#include "runtime/stages/seal.h"

#include <fmt/format.h>

#include <utility>

#include "cache/wall_time.h"
#include "runtime/query_run.h"
#include "runtime/sealed_texts.h"

namespace sovereign::runtime {

void SealStage::enter(const QueryRunPtr& run) {
  if (!run->query.receipt) return run->proceed();
  if (run->cancelled()) return run->refuse({ErrorCode::cancelled, "The client left.", {}});
  const std::string answer = sealed_answer(run->result.choices);
  const auto now_ms = static_cast<std::uint64_t>(cache::wall_now().time_since_epoch().count());
  auto receipt = issuer_.issue(draft_receipt(run->query, run->result, run->answerer(), answer), now_ms);
  if (!receipt) {
    return run->refuse({ErrorCode::unavailable,
                        fmt::format("The answer is there, but no receipt of it: {}", receipt.error().message),
                        {},
                        "receipt_failed"});
  }
  run->result.receipt = std::make_shared<const pci::ReceiptFile>(std::move(*receipt));
  run->proceed();
}

}  // namespace sovereign::runtime
