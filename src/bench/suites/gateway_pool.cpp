#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/clock.h"
#include "bench/load_generator.h"
#include "bench/load_summary.h"
#include "bench/process_usage.h"
#include "bench/suites/gateway.h"
#include "bench/suites/serve_scenarios.h"
#include "bench/suites/served_peer.h"
#include "roadmap_baselines/serial_lock.h"

namespace sovereign::bench {
namespace {

using roadmap::SerialLock;

struct Pool {
  std::uint32_t engines;
  ServedPeer server;
  LoadSummary summary{};
  std::vector<double> pss{};
};

// All requests of the scenario, from so many clients at once.
result<LoadRun> answer_all(const ServeScenarios& scenarios, std::uint32_t clients, const Pool& pool,
                           int round) {
  auto requests = scenarios.independent(pool.server.model(), round);
  if (!requests) return fail(requests.error());
  LoadOptions load;
  load.base_url = pool.server.base_url();
  load.clients = clients;
  auto run = run_closed_loop(load, std::move(*requests));
  if (!run) return fail(run.error());
  for (const auto& record : run->records) {
    if (!record.error.empty()) return fail(ErrorCode::unavailable, record.error);
  }
  return run;
}

result<void> run_wave(const ServeScenarios& scenarios, Pool& pool, int round) {
  const auto run = answer_all(scenarios, ServeScenarios::kClients, pool, round);
  if (!run) return fail(run.error());
  const auto usage = usage_of(pool.server.process());
  if (!usage) return fail(usage.error());
  if (round < 0) return {};
  pool.pss.push_back(static_cast<double>(usage->pss_bytes));
  pool.summary.add(*run);
  return {};
}

result<void> run_locked_wave(const ServeScenarios& scenarios, SerialLock& lock, int round,
                             LoadSummary& summary) {
  if (round < 0) return {};
  const auto prompts = scenarios.independent_prompts(round);
  if (!prompts) return fail(prompts.error());
  const SteadyClock clock;
  LoadRun run;
  run.records.resize(prompts->size());
  const Time start = clock.now();
  {
    std::vector<std::jthread> clients;
    for (std::size_t i = 0; i < prompts->size(); ++i) {
      clients.emplace_back([&, i] {
        const auto made = lock.generate((*prompts)[i], scenarios.sizes.output);
        RequestRecord& record = run.records[i];
        record.total_ms = std::chrono::duration<double, std::milli>(clock.now() - start).count();
        record.output_tokens = made.value_or(0);
        if (!made) record.error = made.error().message;
      });
    }
  }
  run.wall_seconds = std::chrono::duration<double>(clock.now() - start).count();
  summary.add(run);
  if (!summary.errors().empty()) return fail(ErrorCode::internal, summary.errors().front());
  return {};
}

std::vector<double> p99_of(const LoadSummary& summary) {
  return summary.percentile_of(summary.total_ms(), 0.99);
}

// Pools beside one batch at loads where either may be the better.
struct PoolLoad {
  std::string_view name;
  std::uint32_t clients;
  std::uint32_t prompt;  // tokens
  std::uint32_t output;
};
constexpr PoolLoad kOtherLoads[] = {
    {"1_client", 1, 64, 64},      {"2_clients", 2, 64, 64},     {"4_clients", 4, 64, 64},
    {"long_prompts", 8, 700, 16}, {"long_answers", 8, 16, 256},
};

result<void> measure_other_load(const PoolLoad& load, ServeScenarios scenarios, std::vector<Pool>& pools,
                                const GatewayOptions& options, const Progress& progress, Report& report) {
  scenarios.sizes.prompt = options.smoke ? 8 : load.prompt;
  scenarios.sizes.output = options.smoke ? 2 : load.output;
  std::vector<LoadSummary> summaries(pools.size());
  std::vector<Side> sides;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    sides.push_back({fmt::format("pool of {}", pools[i].engines), [&, i](int round) -> result<void> {
                       const auto run = answer_all(scenarios, load.clients, pools[i], round);
                       if (!run) return fail(run.error());
                       if (round >= 0) summaries[i].add(*run);
                       return {};
                     }});
  }
  const HarnessOptions harness{1, options.smoke ? 1 : std::min(options.rounds, 3)};
  if (auto ran = run_alternating(fmt::format("pool, {}", load.name), sides, harness, progress); !ran) {
    return ran;
  }
  const LoadSummary& one = summaries.front();
  report.figures[fmt::format("one_batch_tokens_per_s_{}", load.name)] =
      median(one.output_tokens_per_second());
  for (std::size_t i = 1; i < pools.size(); ++i) {
    const std::string name = fmt::format("pool{}_vs_one_batch", pools[i].engines);
    report.ratios[fmt::format("{}_tokens_per_s_{}", name, load.name)] =
        paired_ratio(summaries[i].output_tokens_per_second(), one.output_tokens_per_second(), options.seed);
    report.ratios[fmt::format("{}_p99_{}", name, load.name)] =
        paired_ratio(p99_of(summaries[i]), p99_of(one), options.seed);
  }
  return {};
}

}  // namespace

result<void> measure_gateway_pool(const GatewayOptions& options, const Progress& progress, Report& report) {
  if (options.model.empty()) {
    report.notes.emplace_back("pool4_pss_vs_1 and pool_vs_lock_p99 are left out: no model was named");
    return {};
  }
  roadmap::SerialLockConfig config;
  config.threads = options.threads;
  auto lock = SerialLock::create(options.model, config);
  if (!lock) return fail(lock.error());
  ServeScenarios scenarios;
  scenarios.seed = options.seed;
  scenarios.count_tokens = [&](std::string_view text) { return (*lock)->count_tokens(text); };
  scenarios.sizes.prompt = 64;
  scenarios.sizes.output = 64;
  if (options.smoke) scenarios.sizes = ServeSizes::smoke();

  std::vector<Pool> pools;
  for (const std::uint32_t engines : {1U, 2U, 4U}) {
    ServingSetup setup;
    setup.model = options.model;
    setup.threads = options.threads;
    setup.context_tokens_per_slot = 1024;
    setup.log_folder = options.log_folder;
    setup.pool = engines;
    progress.step(fmt::format("starting a pool of {}", engines));
    auto server = ServedPeer::start_sovereign(options.sovereign, setup);
    if (!server) return fail(server.error());
    pools.push_back({engines, std::move(*server)});
  }
  LoadSummary locked;
  std::vector<Side> sides;
  for (Pool& pool : pools) {
    sides.push_back({fmt::format("pool of {}", pool.engines),
                     [&](int round) { return run_wave(scenarios, pool, round); }});
  }
  sides.push_back({"one lock", [&](int round) { return run_locked_wave(scenarios, **lock, round, locked); }});
  const HarnessOptions harness{1, options.smoke ? 1 : std::min(options.rounds, 5)};
  if (auto ran = run_alternating("pool", sides, harness, progress); !ran) return ran;

  for (Pool& pool : pools) {
    const std::string name = fmt::format("pool{}", pool.engines);
    report.results.push_back(pool.summary.end_to_end("pool of " + std::to_string(pool.engines)));
    report.figures[name + "_tokens_per_s"] = median(pool.summary.output_tokens_per_second());
    report.figures[name + "_pss_mb"] = median(pool.pss) / 1e6;
    report.ratios[name + "_vs_lock_p99"] = paired_ratio(p99_of(pool.summary), p99_of(locked), options.seed);
  }
  report.results.push_back(locked.end_to_end("one lock"));
  const Pool& one = pools.front();
  const Pool& four = pools.back();
  report.ratios["pool4_pss_vs_1"] = paired_ratio(four.pss, one.pss, options.seed);
  report.ratios["pool_vs_lock_p99"] = report.ratios["pool4_vs_lock_p99"];
  report.ratios["pool4_vs_one_batch_p99"] =
      paired_ratio(p99_of(four.summary), p99_of(one.summary), options.seed);
  report.ratios["pool4_vs_one_batch_tokens_per_s"] = paired_ratio(
      four.summary.output_tokens_per_second(), one.summary.output_tokens_per_second(), options.seed);
  report.notes.push_back(fmt::format(
      "pool: {} clients with a prompt of {} and an answer of {} tokens each, {} compute threads in all; a "
      "pool's "
      "engines divide threads, sequences and KV cells. pool1_vs_lock_p99 is what one engine with one batch "
      "reaches: the ceiling of this machine where a pool stays above it.",
      ServeScenarios::kClients, scenarios.sizes.prompt, scenarios.sizes.output, options.threads));
  for (const PoolLoad& load : kOtherLoads) {
    ++scenarios.seed;  // prompts that no engine has seen
    if (auto measured = measure_other_load(load, scenarios, pools, options, progress, report); !measured) {
      return measured;
    }
  }
  return {};
}

}  // namespace sovereign::bench
