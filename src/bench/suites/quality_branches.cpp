#include <fmt/format.h>

#include "base/clock.h"
#include "bench/process_usage.h"
#include "bench/suites/quality_parts.h"
#include "bench/workload.h"
#include "engine/llama_model.h"
#include "runtime/reasoning/engine_generator.h"
#include "runtime/reasoning/reason.h"

namespace sovereign::bench {
namespace {

struct BranchSizes {
  std::uint32_t branches = 4;
  std::uint32_t context_tokens = 500;
  std::uint32_t thought_tokens = 48;
};

// One engine, and what its rounds took.
struct BranchSide {
  std::unique_ptr<engine::Engine> engine;
  std::vector<double> seconds;
  double cpu_seconds = 0;
  Rounds milliseconds;
  runtime::PromptTokens tokens;
};

result<std::unique_ptr<engine::Engine>> start_engine(const QualityOptions& options,
                                                     const std::shared_ptr<const engine::LlamaModel>& model,
                                                     bool prefix_sharing, const Clock& clock) {
  engine::EngineConfig config;
  config.threads = options.threads;
  config.context_tokens = 1024;
  config.kv_cells = 6144;
  config.max_sequences = 8;
  config.max_cached_prefixes = 8;
  config.prefix_sharing = prefix_sharing;
  return engine::Engine::start(model, config, clock);
}

result<void> run_branches(BranchSide& side, const engine::ChatFormat& format, const BranchSizes& sizes,
                          const std::string& question, std::uint32_t seed, int round, const Clock& clock) {
  runtime::ReasoningConfig config;
  config.max_depth = 1;
  config.branches = sizes.branches;
  config.max_thought_tokens = sizes.thought_tokens;
  config.min_thought_tokens = 1;
  config.max_tokens = sizes.branches * sizes.thought_tokens;
  config.max_time = Duration::zero();
  config.seed = seed;
  runtime::EngineGeneratorOptions options;
  options.ignore_eos = true;  // both sides write the same number of tokens
  runtime::EngineGenerator generator(*side.engine, format, options);
  const double cpu_before = usage_of_self().cpu_seconds;
  const Time begin = clock.now();
  const auto outcome = runtime::reason(question, config, generator, clock);
  const double seconds = std::chrono::duration<double>(clock.now() - begin).count();
  if (!outcome) return fail(outcome.error());
  if (outcome->tokens != config.max_tokens)
    return fail(ErrorCode::internal,
                fmt::format("{} tokens came, not {}", outcome->tokens, config.max_tokens));
  if (round < 0) return {};
  side.seconds.push_back(seconds);
  side.cpu_seconds += usage_of_self().cpu_seconds - cpu_before;
  side.milliseconds.push_back({seconds * 1e3});
  side.tokens.prompt += generator.prompt_tokens().prompt;
  side.tokens.cached += generator.prompt_tokens().cached;
  return {};
}

BenchmarkResult summary(std::string name, const BranchSide& side) {
  RunCost cost;
  for (const double seconds : side.seconds) cost.wall_seconds += seconds;
  cost.cpu_seconds = side.cpu_seconds;
  cost.peak_memory_bytes = static_cast<double>(usage_of_self().peak_rss_bytes);
  return make_result(std::move(name), side.milliseconds, cost);
}

double share(const runtime::PromptTokens& tokens) {
  return tokens.prompt == 0 ? 0 : static_cast<double>(tokens.cached) / static_cast<double>(tokens.prompt);
}

}  // namespace

result<void> measure_branches(const QualityOptions& options,
                              const std::shared_ptr<const engine::LlamaModel>& model,
                              const Progress& progress, Report& report) {
  const BranchSizes sizes = options.smoke ? BranchSizes{4, 32, 2} : BranchSizes{};
  const SteadyClock clock;
  const auto format = engine::ChatFormat::create(*model);
  if (!format) return fail(format.error());
  BranchSide branches;
  BranchSide prompts;
  for (BranchSide* side : {&branches, &prompts}) {
    auto engine = start_engine(options, model, side == &branches, clock);
    if (!engine) return fail(std::move(engine.error()));
    side->engine = std::move(*engine);
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
      return run_branches(*side, **format, sizes, question, seed, round, clock);
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
  report.figures["branches_prompt_shared"] = share(branches.tokens);
  report.figures["prompts_prompt_shared"] = share(prompts.tokens);
  report.notes.push_back(fmt::format("branches_vs_prompts: {} x {} tokens after a context of {}; time of all",
                                     sizes.branches, sizes.thought_tokens, sizes.context_tokens));
  return {};
}

}  // namespace sovereign::bench
