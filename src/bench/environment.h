// Where a benchmark ran: what a reader must know before comparing its figures with others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sovereign::bench {

struct Environment {
  std::string date;  // given by the caller, ISO 8601
  std::string cpu_model;
  std::vector<std::string> cpu_features;
  unsigned logical_cpus = 0;
  unsigned physical_cpus = 0;
  std::uint64_t memory_bytes = 0;
  std::string operating_system;
  std::string cpu_governor;  // empty: the kernel does not say
  double steal_percent = 0;  // of CPU time since boot that the host took away: a noisy machine
  double load_average = 0;   // over one minute, before the run
  std::string compiler;
  std::string build_type;
  std::string compiled_for;  // instruction sets
  std::string version;
  std::string git_commit;  // empty: unknown
};

Environment read_environment(std::string date);

}  // namespace sovereign::bench
