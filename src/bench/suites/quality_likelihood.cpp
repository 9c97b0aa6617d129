#include <condition_variable>
#include <mutex>
#include <random>

#include "base/clock.h"
#include "bench/suites/quality_parts.h"
#include "engine/engine.h"
#include "engine/llama_model.h"
#include "engine/sampler.h"

namespace sovereign::bench {
namespace {

// Waits for one request.
class EndOfRequest final : public engine::GenerationSink {
 public:
  void on_delta(engine::GenerationDelta) noexcept override {}
  void on_done(const engine::GenerationSummary& summary) noexcept override {
    const std::lock_guard lock(mutex_);
    summary_ = summary;
    ended_.notify_all();
  }
  engine::GenerationSummary wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return summary_.has_value(); });
    return *summary_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<engine::GenerationSummary> summary_;
};

// Nanoseconds of one greedy choice from a row of the vocabulary's size.
result<double> time_choice(const engine::LlamaModel& model, bool log_likelihoods, int calls) {
  engine::SamplingParams params;
  params.temperature = 0;
  params.log_likelihoods = log_likelihoods;
  auto sampler = engine::Sampler::create(model, params, {});
  if (!sampler) return fail(sampler.error());
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> row(model.info().vocabulary_size);
  for (float& x : row) x = normal(random);
  const SteadyClock clock;
  const Time begin = clock.now();
  for (int i = 0; i < calls; ++i) (*sampler)->sample(row);
  return std::chrono::duration<double, std::nano>(clock.now() - begin).count() / calls;
}

// Seconds per token of a batch of `sequences` greedy ones.
result<double> time_decode(engine::Engine& engine, const std::vector<engine::Token>& prompt,
                           std::uint32_t sequences, std::uint32_t tokens, bool log_likelihoods) {
  engine::GenerationRequest request;
  request.prompt = prompt;
  request.n = sequences;
  request.max_tokens = tokens;
  request.ignore_eos = true;
  request.sampling.temperature = 0;
  request.sampling.log_likelihoods = log_likelihoods;
  const auto end = std::make_shared<EndOfRequest>();
  if (const auto id = engine.submit(std::move(request), end); !id) return fail(id.error());
  const auto summary = end->wait();
  if (summary.error) return fail(*summary.error);
  return std::chrono::duration<double>(summary.total - summary.ttft).count() / (tokens * sequences);
}

}  // namespace

result<void> measure_likelihood(const QualityOptions& options,
                                const std::shared_ptr<const engine::LlamaModel>& model,
                                const Progress& progress, Report& report) {
  constexpr std::uint32_t kSequences = 8;
  const std::uint32_t tokens = options.smoke ? 4 : 64;
  const int calls = options.smoke ? 20 : 2000;
  const SteadyClock clock;
  engine::EngineConfig config;
  config.threads = options.threads;
  config.context_tokens = 512;
  config.kv_cells = 2048;
  config.max_sequences = kSequences;
  auto engine = engine::Engine::start(model, config, clock);
  if (!engine) return fail(engine.error());
  const auto prompt = model->tokenize("Tell me about the sea.", true, false);
  std::vector<double> choice_ns[2];
  std::vector<double> token_seconds[2];
  const auto side = [&](bool with) {
    return [&, with](int round) -> result<void> {
      const auto choice = time_choice(*model, with, calls);
      if (!choice) return fail(choice.error());
      const auto decode = time_decode(**engine, prompt, kSequences, tokens, with);
      if (!decode) return fail(decode.error());
      if (round < 0) return {};
      choice_ns[with].push_back(*choice);
      token_seconds[with].push_back(*decode);
      return {};
    };
  };
  const std::vector<Side> sides = {{"without likelihoods", side(false)}, {"with likelihoods", side(true)}};
  if (auto ran =
          run_alternating("likelihoods", sides, {.warm_up_rounds = 1, .rounds = options.rounds}, progress);
      !ran)
    return fail(ran.error());
  const double added_ns = median(choice_ns[1]) - median(choice_ns[0]);
  report.figures["likelihood_ns"] = added_ns;
  report.figures["likelihood_share"] = added_ns / (median(token_seconds[0]) * 1e9);
  report.ratios["decode_with_likelihood_vs_without"] =
      paired_ratio(token_seconds[1], token_seconds[0], options.seed);
  report.notes.emplace_back(
      "likelihood_ns: what a greedy choice takes longer; likelihood_share: of a token's time at a batch of "
      "8");
  return {};
}

}  // namespace sovereign::bench
