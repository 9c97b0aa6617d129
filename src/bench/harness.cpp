#include "bench/harness.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/clock.h"
#include "bench/process_usage.h"

namespace sovereign::bench {
namespace {

double milliseconds(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

}  // namespace

void Progress::step(std::string_view what) const {
  if (silent_) return;
  if (::isatty(STDERR_FILENO) == 1) {
    fmt::print(stderr, "\r\x1b[K{}", what);
  } else {
    fmt::print(stderr, "{}\n", what);
  }
  std::fflush(stderr);
}

void Progress::done() const {
  if (!silent_ && ::isatty(STDERR_FILENO) == 1) fmt::print(stderr, "\r\x1b[K");
}

result<void> run_alternating(std::string_view title, const std::vector<Side>& sides,
                             const HarnessOptions& options, const Progress& progress) {
  for (int round = -options.warm_up_rounds; round < options.rounds; ++round) {
    const bool reversed = round % 2 != 0;
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const Side& side = sides[reversed ? sides.size() - 1 - i : i];
      progress.step(round < 0
                        ? fmt::format("{}: warm-up, {}", title, side.name)
                        : fmt::format("{}: round {} of {}, {}", title, round + 1, options.rounds, side.name));
      if (auto ran = side.run(round); !ran) {
        progress.done();
        ran.error().message = fmt::format("{}, {}: {}", title, side.name, ran.error().message);
        return fail(std::move(ran.error()));
      }
    }
  }
  progress.done();
  return {};
}

BenchmarkResult run_timed(std::string name, const TimedOptions& options, const std::function<void()>& work) {
  const SteadyClock clock;
  for (int i = 0; i < options.warm_up_iterations; ++i) work();
  Rounds rounds;
  const ProcessUsage before = usage_of_self();
  const Time start = clock.now();
  for (int round = 0; round < options.rounds; ++round) {
    auto& latencies = rounds.emplace_back();
    latencies.reserve(static_cast<std::size_t>(options.iterations_per_round));
    for (int i = 0; i < options.iterations_per_round; ++i) {
      const Time begin = clock.now();
      work();
      latencies.push_back(milliseconds(clock.now() - begin));
    }
  }
  RunCost cost;
  cost.wall_seconds = milliseconds(clock.now() - start) / 1e3;
  const ProcessUsage after = usage_of_self();
  cost.cpu_seconds = after.cpu_seconds - before.cpu_seconds;
  cost.peak_memory_bytes = static_cast<double>(after.peak_rss_bytes);
  return make_result(std::move(name), rounds, cost);
}

}  // namespace sovereign::bench
