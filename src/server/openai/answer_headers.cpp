#include "server/openai/answer_headers.h"

#include "runtime/quality_json.h"
#include "server/openai/cache_fields.h"

namespace sovereign::server::openai {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

// Unmeasured is less than any score.
bool is_less(const runtime::Quality& a, const runtime::Quality& b) {
  return a.assessment.score.value_or(-1) < b.assessment.score.value_or(-1);
}

void add_canary(Headers& headers, const std::string& variant) {
  if (!variant.empty()) headers.emplace_back("X-Sovereign-Canary", variant);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> answer_headers(const runtime::SovereignResult& result) {
  auto headers = cache_headers(result.cached);
  add_canary(headers, result.variant);
  const runtime::Quality* least = nullptr;
  for (const auto& choice : result.choices) {
    if (choice.quality && (least == nullptr || is_less(*choice.quality, *least)))
      least = choice.quality.get();
  }
  if (least != nullptr) headers.emplace_back("X-Sovereign-Quality", score_text(*least));
  return headers;
}

std::vector<std::pair<std::string, std::string>> answer_headers(const runtime::Beginning& beginning) {
  auto headers = cache_headers(beginning.cached);
  add_canary(headers, beginning.variant);
  return headers;
}

}  // namespace sovereign::server::openai
