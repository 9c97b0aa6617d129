// What the quality gate counts. Any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/histogram.h"

namespace sovereign::runtime {

struct QualityMetrics {
  using Counter = std::atomic<std::uint64_t>;

  // Assessments of all the answers to a query, by what came of them.
  Counter accepted{0};
  Counter let_through{0};  // with shortfalls, since the gate only annotates
  Counter retried{0};
  Counter refused{0};
  // Of single answers.
  Histogram score{{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0}};
  Counter unmeasured{0};  // no score
  Counter judged{0};
  Counter judge_failures{0};  // no verdict, or none that can be used
};

inline void count(QualityMetrics::Counter& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace sovereign::runtime
