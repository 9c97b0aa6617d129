#include "engine/engine_metrics.h"

namespace sovereign::engine {

void EngineMetrics::add(const EngineMetrics& other) {
  const auto sum = [&](Counter EngineMetrics::*counter) {
    (this->*counter).fetch_add((other.*counter).load(std::memory_order_relaxed), std::memory_order_relaxed);
  };
  for (const auto counter : {&EngineMetrics::requests_accepted, &EngineMetrics::requests_refused,
                             &EngineMetrics::requests_finished, &EngineMetrics::requests_cancelled,
                             &EngineMetrics::requests_expired,  &EngineMetrics::requests_failed,
                             &EngineMetrics::prefill_tokens,    &EngineMetrics::cached_tokens,
                             &EngineMetrics::decode_tokens,     &EngineMetrics::draft_tokens,
                             &EngineMetrics::accepted_tokens,   &EngineMetrics::steps,
                             &EngineMetrics::preemptions,       &EngineMetrics::prefix_evictions,
                             &EngineMetrics::prefix_hits,       &EngineMetrics::decode_ns,
                             &EngineMetrics::sample_ns,         &EngineMetrics::draft_ns,
                             &EngineMetrics::engine_busy_ns,    &EngineMetrics::queued,
                             &EngineMetrics::running,           &EngineMetrics::kv_cells_used,
                             &EngineMetrics::kv_cells_total}) {
    sum(counter);
  }
  batch_tokens.add(other.batch_tokens);
  ttft_seconds.add(other.ttft_seconds);
  itl_seconds.add(other.itl_seconds);
  e2e_seconds.add(other.e2e_seconds);
  queue_wait_seconds.add(other.queue_wait_seconds);
}

void EngineMetrics::clear_gauges() {
  for (Counter* const gauge : {&queued, &running, &kv_cells_used, &kv_cells_total}) gauge->store(0);
}

}  // namespace sovereign::engine
