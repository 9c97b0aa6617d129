#include "server/openai/answer_headers.h"

#include "runtime/quality_json.h"
#include "server/openai/cache_fields.h"

namespace sovereign::server::openai {
namespace {

// Unmeasured is less than any score.
bool is_less(const runtime::Quality& a, const runtime::Quality& b) {
  return a.assessment.score.value_or(-1) < b.assessment.score.value_or(-1);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> answer_headers(const runtime::SovereignResult& result) {
  auto headers = cache_headers(result.cached);
  const runtime::Quality* least = nullptr;
  for (const auto& choice : result.choices) {
    if (choice.quality && (least == nullptr || is_less(*choice.quality, *least)))
      least = choice.quality.get();
  }
  if (least != nullptr) headers.emplace_back("X-Sovereign-Quality", score_text(*least));
  return headers;
}

}  // namespace sovereign::server::openai
