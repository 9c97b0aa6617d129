// What the kernel says about this process, under Prometheus' customary names (process_…).
#pragma once

#include <cstdint>

#include "base/result.h"
#include "server/metrics/prometheus_text.h"

namespace sovereign::server {

struct ProcessStats {
  double cpu_seconds = 0;         // user and system
  double start_time_seconds = 0;  // Unix time
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;
};

// Reads /proc (proc(5)). Errors: unavailable, where there is no such file system.
result<ProcessStats> read_process_stats();

void write_process_stats(PrometheusText& text, const ProcessStats& stats);

}  // namespace sovereign::server
