#include "server/metrics/engine_exposition.h"

namespace sovereign::server {
namespace {

double value(const engine::EngineMetrics::Counter& counter) {
  return static_cast<double>(counter.load(std::memory_order_relaxed));
}

double seconds(const engine::EngineMetrics::Counter& nanoseconds) { return value(nanoseconds) * 1e-9; }

}  // namespace

void write_engine_metrics(PrometheusText& text, const engine::EngineMetrics& metrics) {
  text.begin("sovereign_engine_requests_total", PrometheusText::Type::counter,
             "Requests by how they ended; refused ones never began.");
  text.sample(value(metrics.requests_finished), {{"outcome", "finished"}});
  text.sample(value(metrics.requests_cancelled), {{"outcome", "cancelled"}});
  text.sample(value(metrics.requests_expired), {{"outcome", "expired"}});
  text.sample(value(metrics.requests_failed), {{"outcome", "failed"}});
  text.sample(value(metrics.requests_refused), {{"outcome", "refused"}});
  text.counter("sovereign_engine_requests_accepted_total", "Requests taken into the queue.",
               value(metrics.requests_accepted));
  text.counter("sovereign_engine_prefill_tokens_total",
               "Known tokens computed before a sequence's last one: of prompts, and anew after a preemption.",
               value(metrics.prefill_tokens));
  text.counter("sovereign_engine_cached_tokens_total",
               "Prompt tokens found in the KV cache instead of computed.", value(metrics.cached_tokens));
  text.counter("sovereign_engine_decode_tokens_total", "Tokens sampled.", value(metrics.decode_tokens));
  text.counter("sovereign_engine_draft_tokens_total", "Tokens guessed ahead and checked by the model.",
               value(metrics.draft_tokens));
  text.counter("sovereign_engine_draft_tokens_accepted_total", "Of those, tokens that the model chose too.",
               value(metrics.accepted_tokens));
  text.counter("sovereign_engine_draft_seconds_total", "Wall time guessing tokens.",
               seconds(metrics.draft_ns));
  text.counter("sovereign_engine_steps_total", "Batches decoded.", value(metrics.steps));
  text.counter("sovereign_engine_preemptions_total",
               "Sequences put back to be computed again for want of KV cells.", value(metrics.preemptions));
  text.counter("sovereign_engine_prefix_hits_total", "Sequences that began with a shared prefix.",
               value(metrics.prefix_hits));
  text.counter("sovereign_engine_prefix_evictions_total", "Idle prefixes dropped to free KV cells.",
               value(metrics.prefix_evictions));
  text.counter("sovereign_engine_decode_seconds_total", "Wall time inside decodes.",
               seconds(metrics.decode_ns));
  text.counter("sovereign_engine_sample_seconds_total", "Wall time choosing tokens.",
               seconds(metrics.sample_ns));
  text.counter("sovereign_engine_busy_seconds_total", "Wall time of steps, all of it.",
               seconds(metrics.engine_busy_ns));

  text.gauge("sovereign_engine_requests_queued", "Requests that wait for a place in the batch.",
             value(metrics.queued));
  text.gauge("sovereign_engine_sequences_running", "Sequences in the batch.", value(metrics.running));
  const double drafted = value(metrics.draft_tokens);
  text.gauge("sovereign_engine_draft_acceptance_ratio",
             "Accepted over guessed tokens since the start; 0 where none were guessed.",
             drafted > 0 ? value(metrics.accepted_tokens) / drafted : 0);
  text.gauge("sovereign_engine_kv_cells_used", "KV cache cells that hold a token.",
             value(metrics.kv_cells_used));
  text.gauge("sovereign_engine_kv_cells", "KV cache cells there are.", value(metrics.kv_cells_total));

  text.histogram("sovereign_engine_batch_tokens", "Tokens per step.", metrics.batch_tokens);
  text.histogram("sovereign_engine_time_to_first_token_seconds", "From arrival to the first token.",
                 metrics.ttft_seconds);
  text.histogram("sovereign_engine_inter_token_seconds", "Between two tokens of a choice.",
                 metrics.itl_seconds);
  text.histogram("sovereign_engine_request_seconds", "From arrival to the end.", metrics.e2e_seconds);
  text.histogram("sovereign_engine_queue_wait_seconds", "From arrival to the first step.",
                 metrics.queue_wait_seconds);
}

}  // namespace sovereign::server
