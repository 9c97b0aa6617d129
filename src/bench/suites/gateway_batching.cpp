#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "bench/load_generator.h"
#include "bench/load_summary.h"
#include "bench/suites/gateway.h"
#include "bench/suites/proxy_peer.h"
#include "bench/suites/serve_scenarios.h"
#include "bench/suites/served_peer.h"
#include "engine/llama_model.h"
#include "net/blocking_http.h"

namespace sovereign::bench {
namespace {

// One way to ask the server, through a gateway of its own, with prompts of its own: what one way leaves in
// the server's KV cache must not help the next.
struct Way {
  std::string name;
  std::string limits;  // TOML keys of the backend
  std::uint64_t seed;
  std::optional<ProxyPeer> gateway{};
  LoadSummary summary{};
};

result<std::vector<LoadRequest>> chats(ServeScenarios scenarios, const Way& way, int round) {
  scenarios.seed = way.seed;
  const auto prompts = scenarios.independent_prompts(round);
  if (!prompts) return fail(prompts.error());
  std::vector<LoadRequest> requests;
  for (const std::string& prompt : *prompts) {
    LoadRequest& request = requests.emplace_back();
    request.path = "/v1/chat/completions";
    request.body = chat_body("rack", "Go on with the list of words.", prompt, scenarios.sizes.output);
  }
  return requests;
}

result<void> run_wave(const ServeScenarios& scenarios, Way& way, int round) {
  auto requests = chats(scenarios, way, round);
  if (!requests) return fail(requests.error());
  LoadOptions load;
  load.base_url = fmt::format("http://127.0.0.1:{}", way.gateway->port());
  load.clients = ServeScenarios::kClients;
  const auto run = run_closed_loop(load, std::move(*requests));
  if (!run) return fail(run.error());
  for (const auto& record : run->records) {
    if (!record.error.empty()) return fail(ErrorCode::unavailable, way.name + ": " + record.error);
  }
  if (round >= 0) way.summary.add(*run);
  return {};
}

// Prompts to a call, as the gateway counts them. Errors: a batch was refused, or none was made.
result<double> mean_batch(const ProxyPeer& gateway) {
  net::ClientRequest request;
  request.url = fmt::format("http://127.0.0.1:{}/metrics", gateway.port());
  const auto page = net::BlockingHttp().fetch(std::move(request));
  if (!page) return fail(page.error());
  const auto sample = [&](std::string_view name) {
    const std::string line = fmt::format("\n{}{{backend=\"rack\"}} ", name);
    const std::size_t at = page->body.find(line);
    return at == std::string::npos ? 0.0 : std::strtod(page->body.c_str() + at + line.size(), nullptr);
  };
  const double batches = sample("sovereign_backend_batches_total");
  if (batches == 0 || sample("sovereign_backend_batches_refused_total") > 0) {
    return fail(ErrorCode::internal, "the server was asked for no batches, or refused some");
  }
  return sample("sovereign_backend_batched_prompts_total") / batches;
}

}  // namespace

result<void> measure_gateway_batching(const GatewayOptions& options, const Progress& progress,
                                      Report& report) {
  if (options.model.empty()) {
    report.notes.emplace_back("batching_vs_one_by_one is left out: no model was named");
    return {};
  }
  const auto vocabulary = engine::LlamaModel::load(options.model, 0);
  if (!vocabulary) return fail(vocabulary.error());
  ServeScenarios scenarios;
  scenarios.count_tokens = [&](std::string_view text) {
    return (*vocabulary)->tokenize(text, false, false).size();
  };
  scenarios.sizes.prompt = 64;
  scenarios.sizes.output = 64;
  if (options.smoke) scenarios.sizes = ServeSizes::smoke();

  ServingSetup setup;
  setup.model = options.model;
  setup.threads = options.threads;
  setup.context_tokens_per_slot = 1024;
  setup.log_folder = options.log_folder;
  progress.step("starting a server that is asked one call at a time");
  const auto server = ServedPeer::start_sovereign(options.sovereign, setup);
  if (!server) return fail(server.error());

  constexpr std::string_view kBatch =
      "max_concurrency = 1\nbatch_size = 8\nbatch_wait = \"50ms\"\nbatch_template = \"chatml\"\n";
  std::vector<Way> ways;
  ways.push_back({"one chat a call", "max_concurrency = 1\n", options.seed + 1});
  ways.push_back({"up to 8 chats a call", std::string(kBatch), options.seed + 2});
  ways.push_back({"8 calls at a time", "max_concurrency = 8\n", options.seed + 3});
  std::vector<Side> sides;
  for (Way& way : ways) {
    auto gateway = ProxyPeer::start_sovereign(
        options.sovereign, options.log_folder,
        fmt::format("[backends.rack]\npreset = \"llama-server\"\nurl = \"{}\"\nmax_queued = 64\n{}",
                    server->base_url(), way.limits));
    if (!gateway) return fail(gateway.error());
    way.gateway = std::move(*gateway);
    sides.push_back({way.name, [&](int round) { return run_wave(scenarios, way, round); }});
  }
  const HarnessOptions harness{1, options.smoke ? 1 : std::min(options.rounds, 5)};
  if (auto ran = run_alternating("batching", sides, harness, progress); !ran) return ran;

  const auto batch = mean_batch(*ways[1].gateway);
  if (!batch) return fail(batch.error());
  report.figures["batching_prompts_per_call"] = *batch;
  for (const Way& way : ways) report.results.push_back(way.summary.end_to_end(way.name));
  // All answers have as many tokens; what is counted of those that share a call are the pieces that came.
  const auto rate = [](const Way& way) { return way.summary.requests_per_second(); };
  const auto percentile = [](const Way& way, double p) {
    return way.summary.percentile_of(way.summary.total_ms(), p);
  };
  const Way& alone = ways[0];
  const Way& batched = ways[1];
  const Way& free = ways[2];
  report.ratios["batching_vs_one_by_one"] = paired_ratio(rate(batched), rate(alone), options.seed);
  report.ratios["batching_vs_one_by_one_p50"] =
      paired_ratio(percentile(batched, 0.5), percentile(alone, 0.5), options.seed);
  report.ratios["batching_vs_one_by_one_p99"] =
      paired_ratio(percentile(batched, 0.99), percentile(alone, 0.99), options.seed);
  report.ratios["batching_vs_own_batching"] = paired_ratio(rate(batched), rate(free), options.seed);
  report.notes.push_back(
      fmt::format("batching: {} clients with a prompt of {} and an answer of {} tokens each, before a server "
                  "with {} compute "
                  "threads that the gateway asks one call at a time. batching_vs_own_batching: over the same "
                  "server, asked "
                  "for all at a time, so that it batches by itself.",
                  ServeScenarios::kClients, scenarios.sizes.prompt, scenarios.sizes.output, options.threads));
  return {};
}

}  // namespace sovereign::bench
