#include "runtime/result.h"

#include <algorithm>

namespace sovereign::runtime {
namespace {

double to_ms(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

}  // namespace

void Usage::add(const engine::GenerationSummary& summary) {
  prompt_tokens += summary.prompt_tokens;
  completion_tokens += summary.completion_tokens;
  cached_tokens += summary.cached_prompt_tokens;
  const bool had_token = summary.ttft > Duration::zero();
  const auto first_token = had_token ? summary.ttft : summary.total;
  prompt_ms = std::max(prompt_ms, to_ms(std::max(first_token - summary.queue_wait, Duration::zero())));
  predicted_ms = std::max(predicted_ms, to_ms(std::max(summary.total - first_token, Duration::zero())));
}

void Usage::add(const Usage& other) {
  prompt_tokens += other.prompt_tokens;
  completion_tokens += other.completion_tokens;
  cached_tokens += other.cached_tokens;
  reasoning_tokens += other.reasoning_tokens;
  prompt_ms = std::max(prompt_ms, other.prompt_ms);
  predicted_ms = std::max(predicted_ms, other.predicted_ms);
}

std::string_view to_string(CacheNote::Status status) {
  switch (status) {
    case CacheNote::Status::bypass: return "bypass";
    case CacheNote::Status::miss: return "miss";
    case CacheNote::Status::hit: return "hit";
    case CacheNote::Status::shared: return "shared";
  }
  return "bypass";
}

}  // namespace sovereign::runtime
