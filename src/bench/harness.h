// How benchmarks run: sides in turn within each round, so that what the machine does to one it does to the
// other; first a warm-up; progress on stderr while it lasts.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/benchmark_result.h"

namespace sovereign::bench {

// One line that is written over on a terminal, and a line per step elsewhere; silent when told to be.
class Progress {
 public:
  explicit Progress(bool silent = false) : silent_(silent) {}
  void step(std::string_view what) const;
  void done() const;

 private:
  bool silent_;
};

struct Side {
  std::string name;
  // One run. Warm-up rounds count from -1 downwards; a side forgets what it measured in them.
  std::function<result<void>(int round)> run;
};

struct HarnessOptions {
  int warm_up_rounds = 1;
  int rounds = 5;
};

// Runs every side once per round; every second round in reverse order. Stops at the first error, with the
// side's name in the message.
result<void> run_alternating(std::string_view title, const std::vector<Side>& sides,
                             const HarnessOptions& options, const Progress& progress);

struct TimedOptions {
  int warm_up_iterations = 10;
  int rounds = 5;
  int iterations_per_round = 100;
};

// Times each call of `work` in this process, with its CPU time and peak memory.
BenchmarkResult run_timed(std::string name, const TimedOptions& options, const std::function<void()>& work);

}  // namespace sovereign::bench
