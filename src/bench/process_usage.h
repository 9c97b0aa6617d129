// CPU time and memory of a process, ours or a peer's, as the kernel counts them (Linux /proc, proc(5)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace sovereign::bench {

struct ProcessUsage {
  double cpu_seconds = 0;            // user and system, of all threads, also of those that ended
  std::uint64_t rss_bytes = 0;       // resident now
  std::uint64_t peak_rss_bytes = 0;  // most that was ever resident
  std::uint64_t pss_bytes = 0;       // resident, shared pages divided among those who share them
};

// Errors: not_found (no such process).
result<ProcessUsage> usage_of(pid_t process);
ProcessUsage usage_of_self();

struct ThreadUsage {
  pid_t id = 0;
  std::string name;
  double cpu_seconds = 0;
};

// Threads alive now.
std::vector<ThreadUsage> threads_of(pid_t process);

}  // namespace sovereign::bench
