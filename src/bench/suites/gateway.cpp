#include "bench/suites/gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "bench/environment.h"
#include "bench/process_usage.h"
#include "bench/suites/keepalive_load.h"
#include "bench/suites/proxy_peer.h"
#include "bench/suites/stub_backend.h"

namespace sovereign::bench {
namespace {

constexpr std::uint64_t kSeed = 11;

std::string chat_body(bool stream) {
  return fmt::format(R"({{"model":"{}","messages":[{{"role":"user","content":"What does a stub say?"}}],)"
                     R"("temperature":0,"max_tokens":16,"stream":{}}})",
                     StubBackend::kModel, stream);
}

std::string backend_table(std::string_view name, std::uint16_t port, int priority) {
  return fmt::format(
      "[backends.{}]\npreset = \"openai\"\nurl = \"http://127.0.0.1:{}/v1\"\nmodel = \"{}\"\n"
      "priority = {}\nmax_concurrency = 64\n",
      name, port, StubBackend::kModel, priority);
}

// One path to the stub, and what was measured on it.
struct Path {
  std::string name;
  std::uint16_t port;
  bool stream = false;
  bool saturated = false;  // clients never pause
  bool together = false;   // they ask all at once
  Rounds latencies{};
  std::vector<double> p50_ms{};
  std::vector<double> p99_ms{};
  std::vector<double> per_second{};
  double wall_seconds = 0;
};

HarnessOptions harness(const GatewayOptions& options) {
  return {options.smoke ? 0 : 1, options.smoke ? 1 : options.rounds};
}

Side side_of(const GatewayOptions& options, Path& path) {
  return {path.name, [&options, &path](int round) -> result<void> {
            KeepaliveLoad load;
            load.port = path.port;
            load.clients = options.clients;
            if (!path.saturated) load.pause = std::chrono::milliseconds(options.pause_ms);
            load.together = path.together;
            load.seed = kSeed + static_cast<std::uint64_t>(round + 1);
            load.duration = std::chrono::milliseconds(options.smoke ? 50 : options.round_ms);
            load.body = chat_body(path.stream);
            load.expected = path.stream ? "[DONE]" : StubBackend::kAnswer;
            auto run = run_keepalive_load(load);
            if (!run) return fail(run.error());
            if (round < 0) return {};
            path.p50_ms.push_back(percentile(run->latency_ms, 0.5));
            path.p99_ms.push_back(percentile(run->latency_ms, 0.99));
            path.per_second.push_back(run->per_second());
            path.wall_seconds += run->wall_seconds;
            path.latencies.push_back(std::move(run->latency_ms));
            return {};
          }};
}

result<void> run_paths(std::string_view title, const GatewayOptions& options, const std::vector<Path*>& paths,
                       const Progress& progress, Report& report) {
  std::vector<Side> sides;
  for (Path* path : paths) sides.push_back(side_of(options, *path));
  if (auto ran = run_alternating(title, sides, harness(options), progress); !ran) return ran;
  for (Path* path : paths) {
    RunCost cost;
    cost.wall_seconds = path->wall_seconds;
    report.results.push_back(make_result(path->name, path->latencies, cost));
  }
  return {};
}

// Median over the rounds of what one path took longer than the other.
double added(const std::vector<double>& longer, const std::vector<double>& shorter) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < longer.size(); ++i) differences.push_back(longer[i] - shorter[i]);
  return median(differences);
}

}  // namespace

result<void> measure_gateway_overhead(const GatewayOptions& options, const Progress& progress,
                                      Report& report) {
  const StubBackend stub;
  auto gateway = ProxyPeer::start_sovereign(options.sovereign, options.log_folder,
                                            backend_table("stub", stub.port(), 0));
  if (!gateway) return fail(gateway.error());
  Path direct{"stub alone", stub.port()};
  Path through{"through sovereign", gateway->port()};
  Path direct_stream{"stub alone, streamed", stub.port(), true};
  Path through_stream{"through sovereign, streamed", gateway->port(), true};
  Path direct_full{"stub alone, saturated", stub.port(), false, true};
  Path through_full{"through sovereign, saturated", gateway->port(), false, true};
  Path direct_burst{"stub alone, all at once", stub.port(), false, false, true};
  Path through_burst{"through sovereign, all at once", gateway->port(), false, false, true};
  std::vector<Path*> paths = {&direct,       &through,       &direct_stream, &through_stream,
                              &direct_burst, &through_burst, &direct_full,   &through_full};
  std::optional<ProxyPeer> nginx;
  Path past{"through nginx", 0};
  Path past_burst{"through nginx, all at once", 0, false, false, true};
  Path past_full{"through nginx, saturated", 0, false, true};
  if (!options.nginx.empty() && std::filesystem::exists(options.nginx)) {
    auto started = ProxyPeer::start_nginx(options.nginx, options.log_folder, stub.port());
    if (!started) return fail(started.error());
    nginx.emplace(std::move(*started));
    past.port = past_burst.port = past_full.port = nginx->port();
    paths.insert(paths.end(), {&past, &past_burst, &past_full});
  }
  if (auto ran = run_paths("overhead", options, paths, progress, report); !ran) return ran;
  report.figures["overhead_p50_ms"] = added(through.p50_ms, direct.p50_ms);
  report.figures["overhead_p99_ms"] = added(through.p99_ms, direct.p99_ms);
  report.figures["overhead_stream_p50_ms"] = added(through_stream.p50_ms, direct_stream.p50_ms);
  report.figures["overhead_burst_p50_ms"] = added(through_burst.p50_ms, direct_burst.p50_ms);
  report.figures["overhead_saturated_p50_ms"] = added(through_full.p50_ms, direct_full.p50_ms);
  if (nginx) {
    report.figures["nginx_overhead_p50_ms"] = added(past.p50_ms, direct.p50_ms);
    report.figures["nginx_overhead_burst_p50_ms"] = added(past_burst.p50_ms, direct_burst.p50_ms);
    report.figures["nginx_rps"] = median(past_full.per_second);
  }
  report.figures["stub_rps"] = median(direct_full.per_second);
  report.figures["gateway_rps"] = median(through_full.per_second);
  report.notes.push_back(fmt::format(
      "overhead: {} clients, each asks again {} ms after its answer in the mean (exponential); burst: "
      "after exactly that time, so that all ask at once; saturated: without a pause. Client, gateway "
      "and stub share this machine's CPUs. {}",
      options.clients, options.pause_ms, gateway->command_line()));
  return {};
}

result<void> measure_gateway_breaker(const GatewayOptions& options, const Progress& progress,
                                     Report& report) {
  const StubBackend stub;
  const auto nobody = free_port();
  if (!nobody) return fail(nobody.error());
  auto healthy = ProxyPeer::start_sovereign(options.sovereign, options.log_folder,
                                            backend_table("stub", stub.port(), 1));
  if (!healthy) return fail(healthy.error());
  auto wounded =
      ProxyPeer::start_sovereign(options.sovereign, options.log_folder,
                                 backend_table("dead", *nobody, 0) + backend_table("stub", stub.port(), 1));
  if (!wounded) return fail(wounded.error());
  Path without{"one healthy backend", healthy->port()};
  Path with{"behind a dead one, breaker open", wounded->port()};
  if (auto ran = run_paths("open breaker", options, {&without, &with}, progress, report); !ran) return ran;
  report.figures["open_breaker_ms"] = added(with.p50_ms, without.p50_ms);
  report.figures["open_breaker_p99_ms"] = added(with.p99_ms, without.p99_ms);
  return {};
}

result<void> measure_gateway_peer(const GatewayOptions& options, const Progress& progress, Report& report) {
  if (options.litellm.empty() || !std::filesystem::exists(options.litellm)) {
    report.notes.emplace_back("rps_vs_litellm is left out: LiteLLM's proxy is not there");
    return {};
  }
  const StubBackend stub;
  progress.step("starting LiteLLM");
  auto theirs = ProxyPeer::start_litellm(options.litellm, options.log_folder, stub.port());
  if (!theirs) {
    report.notes.push_back(fmt::format("rps_vs_litellm is left out: {}", theirs.error().message));
    return {};
  }
  auto ours = ProxyPeer::start_sovereign(options.sovereign, options.log_folder,
                                         backend_table("stub", stub.port(), 0));
  if (!ours) return fail(ours.error());
  Path our_path{"sovereign", ours->port(), false, true};
  Path their_path{"LiteLLM", theirs->port(), false, true};
  if (auto ran = run_paths("beside LiteLLM", options, {&our_path, &their_path}, progress, report); !ran) {
    return ran;
  }
  report.ratios["rps_vs_litellm"] = paired_ratio(our_path.per_second, their_path.per_second, kSeed);
  report.figures["litellm_rps"] = median(their_path.per_second);
  report.figures["litellm_p50_ms"] = median(their_path.p50_ms);
  report.notes.push_back("LiteLLM: " + theirs->command_line());
  return {};
}

result<Report> run_gateway_suite(const GatewayOptions& options, const Progress& progress) {
  Report report;
  report.name = options.smoke ? "gateway-smoke" : "gateway";
  report.environment = read_environment(options.date);
  for (const auto measure : {measure_gateway_overhead, measure_gateway_breaker, measure_gateway_peer,
                             measure_gateway_pool, measure_gateway_batching}) {
    if (auto done = measure(options, progress, report); !done) return fail(done.error());
  }
  return report;
}

}  // namespace sovereign::bench
