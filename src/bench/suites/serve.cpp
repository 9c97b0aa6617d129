#include "bench/suites/serve.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "bench/process_usage.h"
#include "bench/suites/batched_bench.h"
#include "bench/suites/kernel_models.h"
#include "bench/suites/overhead_meter.h"
#include "bench/suites/serve_scenarios.h"
#include "bench/suites/served_peer.h"
#include "roadmap_baselines/serial_lock.h"

namespace sovereign::bench {
namespace {

using roadmap::SerialLock;

constexpr double kOpenLoopLoad = 0.7;  // of the rate that the wave of 8 reached on llama-server
constexpr std::size_t kOpenLoopRequests = 32;

struct Contender {
  std::string name;
  ServedPeer server;
  LoadSummary independent;
  LoadSummary shared;
  LoadSummary mixed;              // the 7 streams
  std::vector<double> long_ttft;  // of the 3,000-token prompt
  LoadSummary open;
};

std::vector<double> ratio_to(double numerator, const std::vector<double>& denominators) {
  std::vector<double> ratios;
  for (const double denominator : denominators) ratios.push_back(numerator / denominator);
  return ratios;
}

class ServeSuite {
 public:
  ServeSuite(const ServeOptions& options, const Progress& progress) : options_(options), progress_(progress) {
    setup_.model = options.model;
    setup_.threads = options.threads;
    setup_.flash_attention = options.flash_attention;
    setup_.slots = options.clients;
    setup_.gpu_layers = options.gpu_layers;
    setup_.context_tokens_per_slot = options.context_tokens;
    setup_.log_folder = options.log_folder;
    scenarios_.clients = options.clients;
    scenarios_.seed = options.seed;
    scenarios_.count_tokens = [this](std::string_view text) { return serial_->count_tokens(text); };
    if (options.smoke) scenarios_.sizes = ServeSizes::smoke();
    report_.name = "serve";
    if (options.gpu_layers != 0) report_.name += "-gpu";
    if (options.made_up) report_.name += "-7b";
    if (options.clients != ServeScenarios::kClients) report_.name += fmt::format("-{}", options.clients);
    if (options.smoke) report_.name += "-smoke";
    report_.environment = read_environment(options.date);
  }

  result<Report> run() {
    if (auto ready = start(); !ready) return fail(std::move(ready.error()));
    for (const auto scenario : {&ServeSuite::independent, &ServeSuite::shared_prefix, &ServeSuite::mixed}) {
      if (auto ran = (this->*scenario)(); !ran) return fail(std::move(ran.error()));
    }
    if (!options_.quick) {
      if (auto ran = open_loop(); !ran) return fail(std::move(ran.error()));
    }
    conclude();
    return std::move(report_);
  }

 private:
  using Requests = std::function<result<std::vector<LoadRequest>>(std::string_view model, int round)>;
  using Take = std::function<void(Contender&, LoadRun, const RunCost&)>;

  result<void> start() {
    roadmap::SerialLockConfig config;
    config.context_tokens = setup_.context_tokens_per_slot;
    config.threads = setup_.threads;
    config.flash_attention = setup_.flash_attention;
    config.gpu_layers = options_.serial_lock ? setup_.gpu_layers : 0;  // else it only counts tokens
    if (options_.made_up) {
      progress_.step("serve: making a model up");
      auto made = made_up_model(options_.model, options_.log_folder, "Q4_K", MadeUpShape::large());
      if (!made) return fail(std::move(made.error()));
      setup_.model = std::move(*made);
    }
    progress_.step("serve: starting the servers");
    auto serial = SerialLock::create(setup_.model, config);
    if (!serial) return fail(std::move(serial.error()));
    serial_ = std::move(*serial);

    auto ours = ServedPeer::start_sovereign(options_.sovereign, setup_);
    if (!ours) return fail(std::move(ours.error()));
    contenders_.push_back({"sovereign", std::move(*ours), {}, {}, {}, {}, {}});
    auto theirs = ServedPeer::start_llama_server(options_.llama_server, setup_);
    if (theirs) {
      contenders_.push_back({"llama-server", std::move(*theirs), {}, {}, {}, {}, {}});
    } else {
      report_.notes.push_back(fmt::format("llama-server left out: {}", theirs.error().message));
    }
    for (const auto& contender : contenders_) report_.notes.push_back(contender.server.command_line());
    return {};
  }

  HarnessOptions harness() const { return {1, options_.rounds}; }

  result<void> one_run(Contender& side, const Requests& requests, int round, const Take& take) {
    auto list = requests(side.server.model(), round);
    if (!list) return fail(std::move(list.error()));
    const auto before = usage_of(side.server.process());
    const bool measured = round >= 0;
    LoadOptions load;
    load.base_url = side.server.base_url();
    load.clients = scenarios_.clients;
    auto run = run_closed_loop(load, std::move(*list));
    if (!run) return fail(std::move(run.error()));
    for (const auto& record : run->records) {
      if (!record.error.empty()) return fail(ErrorCode::unavailable, record.error);
    }
    const auto after = usage_of(side.server.process());
    if (!before || !after) return fail(ErrorCode::unavailable, "the server has ended");
    if (!measured) return {};
    RunCost cost;
    cost.cpu_seconds = after->cpu_seconds - before->cpu_seconds;
    cost.peak_memory_bytes = static_cast<double>(after->peak_rss_bytes);
    report_.figures[side.name + " pss_mb"] = static_cast<double>(after->pss_bytes) / 1e6;
    take(side, std::move(*run), cost);
    return {};
  }

  std::vector<Side> server_sides(const Requests& requests, const Take& take) {
    std::vector<Side> sides;
    for (Contender& contender : contenders_) {
      sides.push_back({contender.name, [this, &contender, requests, take](int round) {
                         return one_run(contender, requests, round, take);
                       }});
    }
    return sides;
  }

  result<void> independent() {
    const Requests requests = [this](std::string_view model, int round) {
      return scenarios_.independent(model, round);
    };
    const Take take = [](Contender& side, LoadRun run, const RunCost& cost) {
      side.independent.add(run, cost);
    };
    auto sides = server_sides(requests, take);
    sides.front().run = [this, inner = sides.front().run](int round) {
      if (round >= 0) overhead_.start(contenders_.front().server);
      auto ran = inner(round);
      if (round >= 0) overhead_.stop(contenders_.front().server);
      return ran;
    };
    if (options_.serial_lock) {
      sides.push_back({"serial lock", [this](int round) { return serial_wave(round); }});
    } else {
      report_.notes.emplace_back("the serial lock was left out");
    }
    if (!options_.batched_bench.empty() && std::filesystem::exists(options_.batched_bench)) {
      sides.push_back({"llama-batched-bench", [this](int round) { return ceiling(round); }});
    } else {
      report_.notes.emplace_back("llama-batched-bench left out: not there");
    }
    return run_alternating("independent prompts", sides, harness(), progress_);
  }

  result<void> serial_wave(int round) {
    if (round < 0) return {};  // its warm-up is the model's, and that is mapped and warm by now
    const auto prompts = scenarios_.independent_prompts(round);
    if (!prompts) return fail(prompts.error());
    const SteadyClock clock;
    const ProcessUsage before = usage_of_self();
    LoadRun run;
    run.records.resize(prompts->size());
    const Time start = clock.now();
    {
      std::vector<std::jthread> clients;
      for (std::size_t i = 0; i < prompts->size(); ++i) {
        clients.emplace_back([&, i] {
          const auto made = serial_->generate((*prompts)[i], scenarios_.sizes.output);
          RequestRecord& record = run.records[i];
          record.total_ms = std::chrono::duration<double, std::milli>(clock.now() - start).count();
          record.output_tokens = made.value_or(0);
          if (!made) record.error = made.error().message;
        });
      }
    }
    run.wall_seconds = std::chrono::duration<double>(clock.now() - start).count();
    const ProcessUsage after = usage_of_self();
    RunCost cost;
    cost.cpu_seconds = after.cpu_seconds - before.cpu_seconds;
    cost.peak_memory_bytes = static_cast<double>(after.peak_rss_bytes);
    serial_summary_.add(run, cost);
    if (!serial_summary_.errors().empty()) return fail(ErrorCode::internal, serial_summary_.errors().front());
    return {};
  }

  result<void> ceiling(int round) {
    if (round < 0) return {};  // it warms itself up
    const auto seconds = run_batched_bench(options_.batched_bench, setup_, scenarios_.clients,
                                           scenarios_.sizes.prompt, scenarios_.sizes.output);
    if (!seconds) return fail(seconds.error());
    const auto one = seconds->find(1);
    const auto batch = seconds->find(scenarios_.clients);
    if (one == seconds->end() || batch == seconds->end()) {
      return fail(ErrorCode::corrupt, "llama-batched-bench left a batch size out");
    }
    batch1_seconds_.push_back(one->second);
    batch8_seconds_.push_back(batch->second);
    return {};
  }

  result<void> shared_prefix() {
    const Requests requests = [this](std::string_view model, int round) {
      return scenarios_.shared_prefix(model, round);
    };
    const Take take = [](Contender& side, LoadRun run, const RunCost& cost) { side.shared.add(run, cost); };
    return run_alternating("shared prefix", server_sides(requests, take), harness(), progress_);
  }

  result<void> mixed() {
    const Requests requests = [this](std::string_view model, int round) {
      return scenarios_.mixed(model, round);
    };
    const Take take = [](Contender& side, LoadRun run, const RunCost& cost) {
      side.long_ttft.push_back(run.records.back().ttft_ms);
      run.records.pop_back();
      side.mixed.add(run, cost);
    };
    return run_alternating("long prompt among streams", server_sides(requests, take), harness(), progress_);
  }

  result<void> open_loop() {
    const double rate = kOpenLoopLoad * median(contenders_.back().independent.requests_per_second());
    report_.figures["open_loop arrivals_per_s"] = rate;
    std::vector<Side> sides;
    for (Contender& contender : contenders_) {
      sides.push_back({contender.name, [this, &contender, rate](int round) -> result<void> {
                         auto requests =
                             scenarios_.open_loop(contender.server.model(), round, kOpenLoopRequests);
                         if (!requests) return fail(std::move(requests.error()));
                         LoadOptions load;
                         load.base_url = contender.server.base_url();
                         auto run = run_open_loop(load, std::move(*requests), rate, options_.seed);
                         if (!run) return fail(std::move(run.error()));
                         contender.open.add(*run);
                         return {};
                       }});
    }
    return run_alternating("open loop", sides, {0, 1}, progress_);
  }

  void ratio(const std::string& key, const std::vector<double>& ours, const std::vector<double>& theirs) {
    report_.ratios[key] = paired_ratio(ours, theirs, options_.seed);
  }

  void conclude() {
    for (const Contender& side : contenders_) describe(side);
    report_.results.push_back(serial_summary_.end_to_end("independent serial-lock"));
    const Contender& ours = contenders_.front();
    const auto our_rate = ours.independent.output_tokens_per_second();
    if (contenders_.size() > 1) {
      const Contender& theirs = contenders_.back();
      ratio("tokens_per_s_vs_llama_server", our_rate, theirs.independent.output_tokens_per_second());
      ratio("shared_prefix_ttft_p95_vs_llama_server", ours.shared.percentile_of(ours.shared.ttft_ms(), 0.95),
            theirs.shared.percentile_of(theirs.shared.ttft_ms(), 0.95));
      ratio("mixed_itl_p99_vs_llama_server", ours.mixed.percentile_of(ours.mixed.gaps_ms(), 0.99),
            theirs.mixed.percentile_of(theirs.mixed.gaps_ms(), 0.99));
    }
    if (options_.serial_lock) {
      ratio("throughput_vs_serial_lock", our_rate, serial_summary_.output_tokens_per_second());
      ratio("latency_p99_vs_serial_lock", ours.independent.percentile_of(ours.independent.total_ms(), 0.99),
            serial_summary_.percentile_of(serial_summary_.total_ms(), 0.99));
      report_.figures["serial-lock tokens_per_s"] = median(serial_summary_.output_tokens_per_second());
      report_.notes.emplace_back("serial lock: in this process, without HTTP, served in order of arrival");
    }
    conclude_ceiling(our_rate);
    if (overhead_.known()) {
      const auto [least, most] = std::minmax_element(overhead_.by_run().begin(), overhead_.by_run().end());
      report_.ratios["server_overhead"] = {overhead_.overhead(), {*least, *most}};
    } else {
      report_.notes.emplace_back("server_overhead left out: no engine thread or engine metrics were seen");
    }
    report_.notes.push_back(
        fmt::format("goodput: requests within TTFT {:.0f} ms and {:.0f} ms per output token",
                    options_.target.ttft_ms, options_.target.tpot_ms));
  }

  void conclude_ceiling(const std::vector<double>& our_rate) {
    if (batch8_seconds_.empty()) return;
    const double batch_tokens = scenarios_.clients * scenarios_.sizes.output;
    const auto batch8_rate = ratio_to(batch_tokens, batch8_seconds_);
    const auto batch1_rate = ratio_to(scenarios_.sizes.output, batch1_seconds_);
    ratio("tokens_per_s_vs_ceiling", our_rate, batch8_rate);
    ratio("batch8_over_batch1_ceiling", batch8_rate, batch1_rate);
    report_.figures["batched-bench batch8 tokens_per_s"] = median(batch8_rate);
    report_.figures["batched-bench batch1 tokens_per_s"] = median(batch1_rate);
    if (!options_.serial_lock) return;
    report_.figures["throughput_share_of_batch_ceiling"] = report_.ratios["throughput_vs_serial_lock"].value /
                                                           report_.ratios["batch8_over_batch1_ceiling"].value;
  }

  void describe(const Contender& side) {
    const auto add = [&](const std::string& scenario, const LoadSummary& summary) {
      if (summary.runs() == 0) return;
      const std::string name = scenario + " " + side.name;
      for (auto& result : summary.results(name)) report_.results.push_back(std::move(result));
      report_.figures[name + " tokens_per_s"] = median(summary.output_tokens_per_second());
      report_.figures[name + " goodput_per_s"] = summary.goodput(options_.target);
      if (!summary.errors().empty()) {
        report_.notes.push_back(fmt::format("{}: {} requests failed, first: {}", name,
                                            summary.errors().size(), summary.errors().front()));
      }
    };
    add("independent", side.independent);
    add("shared", side.shared);
    add("mixed", side.mixed);
    add("open", side.open);
    report_.figures["mixed " + side.name + " long_prompt_ttft_ms"] = median(side.long_ttft);
  }

  const ServeOptions& options_;
  const Progress& progress_;
  ServingSetup setup_;
  ServeScenarios scenarios_;
  std::unique_ptr<SerialLock> serial_;
  std::vector<Contender> contenders_;  // ours first
  OverheadMeter overhead_;
  LoadSummary serial_summary_;
  std::vector<double> batch1_seconds_;
  std::vector<double> batch8_seconds_;
  Report report_;
};

}  // namespace

result<Report> run_serve_suite(const ServeOptions& options, const Progress& progress) {
  return ServeSuite(options, progress).run();
}

}  // namespace sovereign::bench
