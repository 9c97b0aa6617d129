// What an engine counts. Written by the engine thread alone with relaxed atomics, read by anyone. A sum over
// engines has the same form.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/histogram.h"

namespace sovereign::engine {

struct EngineMetrics {
  using Counter = std::atomic<std::uint64_t>;

  // Counters, since start.
  Counter requests_accepted{0};
  Counter requests_refused{0};   // queue full, draining
  Counter requests_finished{0};  // stop or length
  Counter requests_cancelled{0};
  Counter requests_expired{0};  // deadline
  Counter requests_failed{0};
  Counter prefill_tokens{0};   // computed
  Counter cached_tokens{0};    // prompt tokens found in the KV cache instead
  Counter decode_tokens{0};    // sampled
  Counter draft_tokens{0};     // guessed, and computed to be checked
  Counter accepted_tokens{0};  // of those, right
  Counter steps{0};
  Counter preemptions{0};
  Counter prefix_evictions{0};
  Counter prefix_hits{0};     // sequences that began with a shared prefix
  Counter decode_ns{0};       // wall time inside llama_decode
  Counter sample_ns{0};       // wall time choosing tokens
  Counter draft_ns{0};        // wall time guessing tokens
  Counter engine_busy_ns{0};  // wall time of steps, all of it

  // Gauges.
  Counter queued{0};
  Counter running{0};
  Counter kv_cells_used{0};
  Counter kv_cells_total{0};

  Histogram batch_tokens{Histogram::powers_of_two(1, 11)};  // tokens per step: 1 .. 1024
  Histogram ttft_seconds{Histogram::latency()};
  Histogram itl_seconds{Histogram::latency()};  // between tokens of a choice
  Histogram e2e_seconds{Histogram::latency()};
  Histogram queue_wait_seconds{Histogram::latency()};

  // Adds what the other counted; its owner may go on counting.
  void add(const EngineMetrics& other);
  // Of an engine that is no longer there.
  void clear_gauges();
};

}  // namespace sovereign::engine
