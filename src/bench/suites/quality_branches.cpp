#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/clock.h"
#include "bench/process_usage.h"
#include "bench/suites/quality_parts.h"
#include "bench/workload.h"
#include "engine/engine.h"
#include "engine/llama_model.h"
#include "gateway/llama_backend.h"
#include "runtime/standard_pipeline.h"

namespace sovereign::bench {
namespace {

struct BranchSizes {
  std::uint32_t branches = 4;
  std::uint32_t context_tokens = 500;
  std::uint32_t thought_tokens = 48;
};

// One engine, and what its rounds took.
struct BranchSide {
  std::shared_ptr<gateway::Backend> backend;
  std::vector<double> seconds;  // of the stage that thinks
  RunCost cost;                 // of whole queries
  Rounds milliseconds;
  runtime::Usage usage;
};

// Whoever asked; the pipeline's jobs run on the thread that waits for the end.
class Asker final : public runtime::QueryClient {
 public:
  void on_accepted(std::function<void()> /*leave*/) noexcept override {}
  void on_begin(const runtime::Beginning& /*beginning*/) noexcept override {}
  void on_delta(engine::GenerationDelta /*delta*/) noexcept override {}
  void on_result(std::shared_ptr<const runtime::SovereignResult> result) noexcept override {
    outcome_ = std::move(result);
    work_.reset();
  }
  void on_failure(const gateway::Failure& failure) noexcept override {
    outcome_ = fail(failure);
    work_.reset();
  }

  runtime::Executor executor() {
    return [this](std::function<void()> job) { boost::asio::post(jobs_, std::move(job)); };
  }
  // After the query has started.
  result<std::shared_ptr<const runtime::SovereignResult>> wait() {
    jobs_.run();
    return outcome_;
  }

 private:
  boost::asio::io_context jobs_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{jobs_.get_executor()};
  result<std::shared_ptr<const runtime::SovereignResult>> outcome_;
};

result<std::shared_ptr<gateway::Backend>> start_backend(
    const QualityOptions& options, const std::shared_ptr<const engine::LlamaModel>& model,
    bool prefix_sharing, const Clock& clock) {
  engine::EngineConfig config;
  config.threads = options.threads;
  config.context_tokens = 1024;
  config.kv_cells = 6144;
  config.max_sequences = 8;
  config.max_cached_prefixes = 8;
  config.prefix_sharing = prefix_sharing;
  auto engine = engine::Engine::start(model, config, clock);
  if (!engine) return fail(std::move(engine.error()));
  auto format = engine::ChatFormat::create(*model);
  if (!format) return fail(std::move(format.error()));
  return std::make_shared<gateway::LlamaBackend>(gateway::BackendIdentity{}, model, std::move(*format),
                                                 std::move(*engine));
}

// A query of one level of thoughts and an answer of one token; what counts is the time of the thoughts.
result<void> run_branches(BranchSide& side, const BranchSizes& sizes, const std::string& question,
                          std::uint32_t seed, int round, const Clock& clock) {
  const auto asker = std::make_shared<Asker>();
  runtime::PipelineParts parts{clock, asker->executor()};
  auto& graph = parts.reasoning.emplace().graph;
  graph.branches = sizes.branches;
  graph.max_thought_tokens = sizes.thought_tokens;
  graph.min_thought_tokens = 1;
  graph.max_tokens = sizes.branches * sizes.thought_tokens;
  graph.max_time = Duration::zero();
  runtime::SovereignQuery query;
  query.content = question;
  query.max_depth = 1;
  query.require_reasoning = true;
  query.max_tokens = 1;
  query.ignore_eos = true;  // both sides write the same number of tokens
  query.sampling.seed = seed;
  const double cpu_before = usage_of_self().cpu_seconds;
  const Time began = clock.now();
  runtime::make_pipeline(std::move(parts))->start(std::move(query), side.backend, asker);
  const auto result = asker->wait();
  const double whole = std::chrono::duration<double>(clock.now() - began).count();
  if (!result) return fail(result.error());
  const runtime::SovereignResult& got = **result;
  if (got.usage.reasoning_tokens != sizes.branches * sizes.thought_tokens)
    return fail(ErrorCode::internal, fmt::format("{} tokens came, not {}", got.usage.reasoning_tokens,
                                                 sizes.branches * sizes.thought_tokens));
  if (round < 0) return {};
  const auto thinking = std::find_if(got.timings.begin(), got.timings.end(),
                                     [](const auto& timing) { return timing.stage == "reasoning"; });
  const double seconds = std::chrono::duration<double>(thinking->spent).count();
  side.seconds.push_back(seconds);
  side.cost.wall_seconds += whole;
  side.cost.cpu_seconds += usage_of_self().cpu_seconds - cpu_before;
  side.milliseconds.push_back({seconds * 1e3});
  side.usage.add(got.usage);
  return {};
}

BenchmarkResult summary(std::string name, const BranchSide& side) {
  RunCost cost = side.cost;
  cost.peak_memory_bytes = static_cast<double>(usage_of_self().peak_rss_bytes);
  return make_result(std::move(name), side.milliseconds, cost);
}

double shared_of(const runtime::Usage& usage) {
  return usage.prompt_tokens == 0
             ? 0
             : static_cast<double>(usage.cached_tokens) / static_cast<double>(usage.prompt_tokens);
}

}  // namespace

result<void> measure_branches(const QualityOptions& options,
                              const std::shared_ptr<const engine::LlamaModel>& model,
                              const Progress& progress, Report& report) {
  const BranchSizes sizes = options.smoke ? BranchSizes{4, 32, 2} : BranchSizes{};
  const SteadyClock clock;
  BranchSide branches;
  BranchSide prompts;
  for (BranchSide* side : {&branches, &prompts}) {
    auto backend = start_backend(options, model, side == &branches, clock);
    if (!backend) return fail(std::move(backend.error()));
    side->backend = std::move(*backend);
  }
  PromptMaker maker([&](std::string_view text) { return model->tokenize(text, false, false).size(); },
                    options.seed + 1);
  // A context per round: what an earlier round left in the cache must not help.
  std::vector<std::string> contexts;
  for (int round = -1; round < options.rounds; ++round) {
    auto context = maker.exact(sizes.context_tokens);
    if (!context) return fail(std::move(context.error()));
    contexts.push_back(std::move(*context));
  }
  const auto run = [&](BranchSide* side) {
    return [&, side](int round) {
      const std::string question = contexts[static_cast<std::size_t>(round + 1)] + "\n\nWhat is this about?";
      const auto seed = static_cast<std::uint32_t>(1000 * (round + 1));
      return run_branches(*side, sizes, question, seed, round, clock);
    };
  };
  const std::vector<Side> sides = {{"branches", run(&branches)}, {"separate prompts", run(&prompts)}};
  if (auto ran =
          run_alternating("reasoning", sides, {.warm_up_rounds = 1, .rounds = options.rounds}, progress);
      !ran)
    return fail(std::move(ran.error()));
  report.results.push_back(summary("4 branches", branches));
  report.results.push_back(summary("4 separate prompts", prompts));
  report.ratios["branches_vs_prompts"] = paired_ratio(branches.seconds, prompts.seconds, options.seed);
  report.figures["branches_prompt_shared"] = shared_of(branches.usage);
  report.figures["prompts_prompt_shared"] = shared_of(prompts.usage);
  report.notes.push_back(fmt::format(
      "branches_vs_prompts: {} x {} tokens after a context of {}; time of the stage that thinks. CPU "
      "and shares of prompts are those of the whole query, with an answer of one token",
      sizes.branches, sizes.thought_tokens, sizes.context_tokens));
  return {};
}

}  // namespace sovereign::bench
