#include "bench/suites/canary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "bench/suites/canary_simulation.h"

namespace sovereign::bench {
namespace {

constexpr std::array kShapes = {LatencyShape::even, LatencyShape::mixed, LatencyShape::heavy,
                                LatencyShape::cliff};
constexpr std::uint32_t kEffectQueries = 40'000;
constexpr std::uint32_t kGoodQueries = 100'000;

struct Row {
  std::string title;
  std::string key;
  Effect effect;
  double error_rate = 0.001;
  std::uint32_t good_queries = 0;
};

// `shapes`: one column each.
std::string heading() {
  std::string line = "| variant |";
  for (const auto shape : kShapes) line += fmt::format(" {} |", to_string(shape));
  return line;
}

std::string queries_text(const RunStatistics& statistics) {
  const auto number = [](double queries) {
    return std::isfinite(queries) ? fmt::format("{:.0f}", queries) : std::string("never");
  };
  return fmt::format("{} ({})", number(statistics.median_queries), number(statistics.p90_queries));
}

World world_of(LatencyShape shape, const Row& row) {
  World world;
  world.shape = shape;
  world.effect = row.effect;
  world.error_rate = row.error_rate;
  world.good_queries = row.good_queries;
  return world;
}

void add_false_alarms(const CanarySuiteOptions& options, const Row& row, bool tides, const Progress& progress,
                      Report& report) {
  std::string line = fmt::format("| {} |", row.title);
  double most = 0;
  for (const auto shape : kShapes) {
    progress.step(fmt::format("{}, {}", row.title, to_string(shape)));
    World world = world_of(shape, row);
    world.tides = tides;
    world.queries = options.queries;
    world.comparison.alpha = 0.05;
    const auto statistics = simulate_canaries(world, options.runs, options.seed);
    most = std::max(most, statistics.stopped_share());
    line += fmt::format(" {:.2f} % |", 100 * statistics.stopped_share());
  }
  report.notes.push_back(line);
  report.figures["false_alarms_" + row.key] = most;
}

void add_delays(const CanarySuiteOptions& options, const Row& row, const Progress& progress, Report& report) {
  std::string line = fmt::format("| {} |", row.title);
  for (const auto shape : kShapes) {
    progress.step(fmt::format("{}, {}", row.title, to_string(shape)));
    World world = world_of(shape, row);
    world.queries = options.smoke ? options.queries : kEffectQueries;
    const auto statistics = simulate_canaries(world, options.effects, options.seed);
    line += fmt::format(" {} |", queries_text(statistics));
    if (std::isfinite(statistics.median_queries)) {
      report.figures[fmt::format("queries_until_stopped_{}_{}", row.key, to_string(shape))] =
          statistics.median_queries;
    }
  }
  report.notes.push_back(line);
}

}  // namespace

result<Report> run_canary_suite(const CanarySuiteOptions& given, const Progress& progress) {
  CanarySuiteOptions options = given;
  if (options.smoke) {
    options.runs = options.effects = 4;
    options.queries = 500;
  }
  Report report;
  report.name = options.smoke ? "canary-smoke" : "canary";
  report.environment = read_environment(options.date);
  report.notes.push_back(fmt::format("runs that were stopped, of {}, within {} queries at alpha 0.05",
                                     options.runs, options.queries));
  report.notes.push_back(heading());
  add_false_alarms(options, {"no difference", "no_difference", {}}, false, progress, report);
  add_false_alarms(options, {"no difference, load goes up and down", "no_difference_tides", {}}, true,
                   progress, report);
  add_false_alarms(options, {"10 % slower: the margin", "within_margin", {.slower = 1.1}}, false, progress,
                   report);
  add_false_alarms(options, {"quality 10 % less: the margin", "within_margin_quality", {.quality = 0.9}},
                   false, progress, report);
  add_false_alarms(options,
                   {"errors 2.2 % for 2 %: the margin", "within_margin_errors", {.errors = 0.022}, 0.02},
                   false, progress, report);

  report.notes.push_back(
      fmt::format("queries until it was stopped, median (90th percentile) of {} runs at alpha 0.01; the "
                  "variant's share is 10 %",
                  options.effects));
  report.notes.push_back(heading());
  for (const Row& row :
       {Row{"20 % slower", "slower_20", {.slower = 1.2}}, Row{"50 % slower", "slower_50", {.slower = 1.5}},
        Row{"twice as slow", "slower_100", {.slower = 2}},
        Row{"10 % of its queries take 10 times as long", "hanging_10", {.hanging = 0.1}},
        Row{"30 % of them do", "hanging_30", {.hanging = 0.3}},
        Row{"errors 1 % for 0.1 %", "errors_1", {.errors = 0.01}},
        Row{"errors 5 % for 0.1 %", "errors_5", {.errors = 0.05}},
        Row{"every query fails", "errors_100", {.errors = 1}},
        Row{"quality 20 % less", "quality_20", {.quality = 0.8}},
        Row{"quality 50 % less", "quality_50", {.quality = 0.5}}}) {
    add_delays(options, row, progress, report);
  }

  CanarySuiteOptions fewer = options;  // these runs are long
  fewer.effects = std::max(1U, options.effects / 4);
  const std::uint32_t good = options.smoke ? options.queries : kGoodQueries;
  report.notes.push_back(
      fmt::format("the same of {} runs for a variant that was as good as control for {} queries before",
                  fewer.effects, good));
  report.notes.push_back(heading());
  for (const Row& row : {Row{"50 % slower", "later_slower_50", {.slower = 1.5}, 0.001, good},
                         Row{"twice as slow", "later_slower_100", {.slower = 2}, 0.001, good},
                         Row{"errors 5 % for 0.1 %", "later_errors_5", {.errors = 0.05}, 0.001, good},
                         Row{"every query fails", "later_errors_100", {.errors = 1}, 0.001, good},
                         Row{"quality 50 % less", "later_quality_50", {.quality = 0.5}, 0.001, good}}) {
    add_delays(fewer, row, progress, report);
  }
  progress.done();
  return report;
}

}  // namespace sovereign::bench
