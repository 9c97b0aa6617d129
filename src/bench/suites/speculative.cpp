#include "bench/suites/speculative.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "bench/process_usage.h"
#include "bench/suites/decode_rig.h"
#include "bench/suites/kernel_models.h"
#include "bench/suites/speculative_texts.h"
#include "engine/engine.h"
#include "engine/llama_model.h"

namespace sovereign::bench {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::uint32_t kBatch = 8;
constexpr std::uint32_t kMaxDraftTokens = 8;

struct Answer {
  std::string text;
  std::vector<float>
      likelihoods;  // of its tokens, when asked for: two answers with the same have the same tokens

  friend bool operator==(const Answer&, const Answer&) = default;
};

// Waits for one answer and keeps it.
class AnswerSink final : public engine::GenerationSink {
 public:
  void on_delta(engine::GenerationDelta delta) noexcept override {
    answer_.text += delta.text;
    answer_.likelihoods.insert(answer_.likelihoods.end(), delta.log_likelihoods.begin(),
                               delta.log_likelihoods.end());
  }
  void on_done(const engine::GenerationSummary& summary) noexcept override {
    const std::lock_guard lock(mutex_);
    summary_ = summary;
    changed_.notify_all();
  }
  engine::GenerationSummary wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return summary_.has_value(); });
    return *summary_;
  }
  const Answer& answer() const { return answer_; }

 private:
  Answer answer_;  // written by the engine before on_done(), read after wait()
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<engine::GenerationSummary> summary_;
};

struct Answers {
  std::vector<Answer> answers;
  std::uint64_t tokens = 0;
  double seconds = 0;
};

using Requests = std::vector<engine::GenerationRequest>;

// All at once, or one after the other.
result<Answers> ask(engine::Engine& engine, const Requests& requests, bool at_once, const Clock& clock) {
  Answers answers;
  std::vector<std::shared_ptr<AnswerSink>> sinks;
  const Time begin = clock.now();
  for (const auto& request : requests) {
    sinks.push_back(std::make_shared<AnswerSink>());
    const auto id = engine.submit(request, sinks.back());
    if (!id) return fail(id.error());
    if (!at_once) sinks.back()->wait();
  }
  for (const auto& sink : sinks) {
    const auto summary = sink->wait();
    if (summary.error) return fail(*summary.error);
    answers.tokens += summary.completion_tokens;
    answers.answers.push_back(sink->answer());
  }
  answers.seconds = std::chrono::duration<double>(clock.now() - begin).count();
  return answers;
}

// An engine and what its rounds gave.
struct EngineSide {
  std::unique_ptr<engine::Engine> engine;
  std::vector<double> rates;  // tokens per second
  Rounds milliseconds;        // by request, on average
  RunCost cost;
};

class Suite {
 public:
  Suite(const SpeculativeOptions& options, const Progress& progress)
      : options_(options), progress_(progress) {}

  result<Report> run() {
    report_.name = "speculative";
    report_.environment = read_environment(options_.date);
    report_.notes.push_back(fmt::format("{} threads; at most {} tokens guessed for a sequence in a step",
                                        options_.threads, kMaxDraftTokens));
    auto loaded = engine::LlamaModel::load(options_.model, 0);
    if (!loaded) return fail(loaded.error());
    model_ = std::move(*loaded);
    for (const auto part :
         {&Suite::lookup, &Suite::ceiling, &Suite::deterministic, &Suite::equality, &Suite::flips}) {
      if (auto done = (this->*part)(); !done) return fail(done.error());
    }
    return std::move(report_);
  }

 private:
  engine::EngineConfig config(engine::Speculation speculation, bool deterministic) const {
    engine::EngineConfig config;
    config.threads = options_.threads;
    config.context_tokens = 1024;
    config.kv_cells = 8192;
    config.max_sequences = kBatch;
    config.max_cached_prefixes = kBatch;
    config.max_queued = options_.equal_requests + 16;
    config.speculation = speculation;
    config.max_draft_tokens = kMaxDraftTokens;
    config.deterministic = deterministic;
    return config;
  }

  result<std::unique_ptr<engine::Engine>> start(
      engine::Speculation speculation, bool deterministic,
      const std::shared_ptr<const engine::LlamaModel>& draft = nullptr) {
    return engine::Engine::start(model_, config(speculation, deterministic), clock_, draft);
  }

  engine::GenerationRequest request(const std::string& question, std::uint32_t max_tokens,
                                    float temperature) const {
    engine::GenerationRequest request;
    request.prompt =
        model_->tokenize("<|im_start|>user\n" + question + "<|im_end|>\n<|im_start|>assistant\n", true, true);
    request.max_tokens = max_tokens;
    request.sampling.temperature = temperature;
    request.sampling.seed = static_cast<std::uint32_t>(question.size());
    return request;
  }

  Requests requests(const std::vector<std::string>& questions, float temperature) const {
    Requests made;
    for (const auto& question : questions)
      made.push_back(request(question, options_.max_tokens, temperature));
    return made;
  }

  // The two engines in turn on the same requests; the ratio of their tokens per second.
  result<void> compare(const std::string& key, EngineSide& without, EngineSide& with,
                       const Requests& requests, bool at_once) {
    const auto side = [&](const char* name, EngineSide& of) {
      of.rates.clear();
      of.milliseconds.clear();
      of.cost = {};
      return Side{
          name, [this, &of, &requests, at_once](int round) -> result<void> {
            const double cpu = usage_of_self().cpu_seconds;
            const auto answers = ask(*of.engine, requests, at_once, clock_);
            if (!answers) return fail(answers.error());
            if (round < 0) return {};
            of.rates.push_back(static_cast<double>(answers->tokens) / answers->seconds);
            of.milliseconds.push_back({1000 * answers->seconds / static_cast<double>(requests.size())});
            of.cost.wall_seconds += answers->seconds / static_cast<double>(requests.size());
            of.cost.cpu_seconds += usage_of_self().cpu_seconds - cpu;
            return {};
          }};
    };
    const std::vector<Side> sides = {side("without", without), side("with", with)};
    if (auto ran = run_alternating(key, sides, {1, options_.rounds}, progress_); !ran) return ran;
    for (const auto& [name, of] : {std::pair("without", &without), std::pair("with", &with)}) {
      report_.results.push_back(make_result(fmt::format("{} {}", key, name), of->milliseconds, of->cost));
      report_.figures[fmt::format("{}_{}_tokens_per_s", key, name)] = median(of->rates);
    }
    report_.ratios[key] = paired_ratio(with.rates, without.rates, kSeed);
    return {};
  }

  result<void> lookup() {
    EngineSide without;
    EngineSide with;
    auto plain = start(engine::Speculation::off, false);
    if (!plain) return fail(plain.error());
    without.engine = std::move(*plain);
    auto speculating = start(engine::Speculation::prompt_lookup, false);
    if (!speculating) return fail(speculating.error());
    with.engine = std::move(*speculating);

    const Requests quotes = requests(quoting_questions(), 0);
    const Requests edits = requests(editing_questions(), 0);
    Requests copies = quotes;
    copies.insert(copies.end(), edits.begin(), edits.end());
    if (auto done = compare("prompt_lookup_free", without, with, requests(open_questions(), 0.7F), false);
        !done)
      return done;
    const engine::EngineMetrics& metrics = with.engine->metrics();
    const auto drafted = metrics.draft_tokens.load();
    const auto accepted = metrics.accepted_tokens.load();
    if (auto done = compare("prompt_lookup_copy", without, with, copies, false); !done) return done;
    report_.figures["prompt_lookup_copy_acceptance"] =
        static_cast<double>(metrics.accepted_tokens.load() - accepted) /
        static_cast<double>(std::max<std::uint64_t>(1, metrics.draft_tokens.load() - drafted));
    if (auto done = compare("prompt_lookup_quote", without, with, quotes, false); !done) return done;
    return compare("prompt_lookup_edit", without, with, edits, false);
  }

  // Every guess right: a step of k + 1 rows gives as many tokens. Prompts are not in it.
  result<void> ceiling() {
    auto rig = DecodeRig::load(options_.model, true, options_.threads);
    if (!rig) return fail(rig.error());
    constexpr int kSteps = 24;
    constexpr int kFull = static_cast<int>(kMaxDraftTokens) + 1;
    std::vector<double> full;
    std::vector<double> single;
    for (int round = 0; round <= options_.rounds; ++round) {
      progress_.step(fmt::format("prompt_lookup_copy_ceiling: round {} of {}", round, options_.rounds));
      const auto one = (*rig)->decode(1, kSteps);
      if (!one) return fail(one.error());
      const auto many = (*rig)->decode(kFull, kSteps);
      if (!many) return fail(many.error());
      if (round == 0) continue;
      single.push_back(kSteps / *one);
      full.push_back(kSteps * kFull / *many);
    }
    progress_.done();
    report_.ratios["prompt_lookup_copy_ceiling"] = paired_ratio(full, single, kSeed);
    return {};
  }

  result<void> deterministic() {
    EngineSide without;
    EngineSide with;
    auto plain = start(engine::Speculation::off, false);
    if (!plain) return fail(plain.error());
    without.engine = std::move(*plain);
    auto kept = start(engine::Speculation::off, true);
    if (!kept) return fail(kept.error());
    with.engine = std::move(*kept);
    Requests batch = requests(open_questions(), 0);
    while (batch.size() < kBatch) batch.push_back(batch[batch.size() - open_questions().size()]);
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
      batch[i].ignore_eos = true;
      batch[i].sampling.temperature = 0.8F;
      batch[i].sampling.seed = i;
    }
    return compare("deterministic_cost", without, with, batch, true);
  }

  result<void> equality() {
    const auto file = requantized(options_.model, options_.folder, "Q4_0");
    if (!file) return fail(file.error());
    auto draft = engine::LlamaModel::load(*file, 0);
    if (!draft) return fail(draft.error());

    const Requests all = compared_requests();
    std::uint64_t equal = 0;
    std::uint64_t compared = 0;
    auto plain = start(engine::Speculation::off, true);
    if (!plain) return fail(plain.error());
    auto lookup = start(engine::Speculation::prompt_lookup, true);
    if (!lookup) return fail(lookup.error());
    auto drafting = start(engine::Speculation::draft, true, *draft);
    if (!drafting) return fail(drafting.error());
    constexpr std::size_t kPiece = 100;  // a draft model's turn after a look-up's, and so on
    for (std::size_t begin = 0, turn = 0; begin < all.size(); begin += kPiece, ++turn) {
      progress_.step(fmt::format("draft_equal: {} of {} requests", begin, all.size()));
      const auto end = std::min(begin + kPiece, all.size());
      const Requests piece(all.begin() + static_cast<std::ptrdiff_t>(begin),
                           all.begin() + static_cast<std::ptrdiff_t>(end));
      const auto reference = ask(**plain, piece, false, clock_);
      if (!reference) return fail(reference.error());
      const auto ours = ask(turn % 2 == 0 ? **drafting : **lookup, piece, true, clock_);
      if (!ours) return fail(ours.error());
      for (std::size_t i = 0; i < piece.size(); ++i)
        equal += reference->answers[i] == ours->answers[i] ? 1 : 0;
      compared += piece.size();
    }
    progress_.done();
    const double share = static_cast<double>(equal) / static_cast<double>(compared);
    report_.ratios["draft_equal"] = {share, {share, share}};
    report_.figures["draft_equal_requests"] = static_cast<double>(compared);
    const auto acceptance = [](const engine::Engine& of) {
      return static_cast<double>(of.metrics().accepted_tokens.load()) /
             static_cast<double>(std::max<std::uint64_t>(1, of.metrics().draft_tokens.load()));
    };
    report_.figures["draft_model_tokens_accepted"] =
        static_cast<double>((*drafting)->metrics().accepted_tokens.load());
    report_.figures["draft_model_acceptance"] = acceptance(**drafting);
    report_.figures["prompt_lookup_tokens_accepted"] =
        static_cast<double>((*lookup)->metrics().accepted_tokens.load());
    return {};
  }

  // Greedy and seeded in turn.
  Requests compared_requests() const {
    Requests all;
    for (const auto& question : many_questions(options_.equal_requests)) {
      all.push_back(request(question, options_.equal_tokens, all.size() % 2 == 0 ? 0.0F : 0.8F));
      all.back().sampling.log_likelihoods = true;
    }
    return all;
  }

  // What the mode is for: how often does a crowd or a guess flip a token without it?
  result<void> flips() {
    if (auto done = flips_of(engine::Kernels::automatic, ""); !done) return done;
    return flips_of(engine::Kernels::stock, "stock_");
  }

  result<void> flips_of(engine::Kernels kernels, const std::string& prefix) {
    auto model = engine::LlamaModel::load(options_.model, 0, kernels);
    if (!model) return fail(model.error());
    Requests all = compared_requests();
    all.resize(std::min<std::size_t>(all.size(), kMostFlipRequests));
    auto alone = engine::Engine::start(*model, config(engine::Speculation::off, false), clock_);
    if (!alone) return fail(alone.error());
    progress_.step(fmt::format("{}equal: {} requests, one after the other", prefix, all.size()));
    const auto reference = ask(**alone, all, false, clock_);
    if (!reference) return fail(reference.error());
    for (const auto& [name, speculation] :
         {std::pair{"equal_in_a_crowd", engine::Speculation::off},
          std::pair{"equal_speculating", engine::Speculation::prompt_lookup}}) {
      const std::string key = prefix + name;
      auto crowd = engine::Engine::start(*model, config(speculation, false), clock_);
      if (!crowd) return fail(crowd.error());
      progress_.step(fmt::format("{}: {} requests at once", key, all.size()));
      const auto answers = ask(**crowd, all, true, clock_);
      if (!answers) return fail(answers.error());
      double equal = 0;
      for (std::size_t i = 0; i < all.size(); ++i)
        equal += reference->answers[i].text == answers->answers[i].text ? 1 : 0;
      const double share = equal / static_cast<double>(all.size());
      report_.figures[key] = share;
      // An answer stays equal until its first flip; so many tokens were at risk in an answer, on average.
      const double tokens = static_cast<double>(reference->tokens) / static_cast<double>(all.size());
      report_.figures[fmt::format("{}_flips_per_1000_tokens", key)] =
          share < 1 ? -1000 * std::log(share) / tokens : 0;
    }
    progress_.done();
    return {};
  }

  static constexpr std::size_t kMostFlipRequests = 400;

  const SpeculativeOptions& options_;
  const Progress& progress_;
  SteadyClock clock_;
  std::shared_ptr<const engine::LlamaModel> model_;
  Report report_;
};

}  // namespace

result<Report> run_speculative_suite(const SpeculativeOptions& options, const Progress& progress) {
  return Suite(options, progress).run();
}

}  // namespace sovereign::bench
