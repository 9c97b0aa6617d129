#include "bench/suites/kernels.h"

#include <fmt/format.h>
#include <malloc.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <vector>

#include "bench/process_usage.h"
#include "bench/suites/decode_rig.h"
#include "bench/suites/kernel_models.h"
#include "bench/suites/kernel_products.h"
#include "bench/suites/machine_peaks.h"
#include "kernels/ggml_weights.h"

namespace sovereign::bench {
namespace {

constexpr int kPrefillTokens = 512;
constexpr int kBatch = 8;
constexpr int kBatchSteps = 12;
constexpr int kSingleSteps = 32;
constexpr std::size_t kFarMemory = std::size_t{1} << 30;  // more than caches hold
constexpr std::uint64_t kSeed = 1;

struct Work {
  const char* name;
  int tokens;  // that one run computes
  result<double> (*run)(DecodeRig& rig);
};

constexpr Work kWorks[] = {
    {"prefill", kPrefillTokens, [](DecodeRig& rig) { return rig.prefill(kPrefillTokens); }},
    {"batch8", kBatch* kBatchSteps, [](DecodeRig& rig) { return rig.decode(kBatch, kBatchSteps); }},
    {"batch1", kSingleSteps, [](DecodeRig& rig) { return rig.decode(1, kSingleSteps); }}};

// So that what one side has freed is not what the other fills.
void release_freed_memory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

using Rates = std::vector<double>;  // tokens per second, by round

class Suite {
 public:
  Suite(const KernelsOptions& options, const Progress& progress) : options_(options), progress_(progress) {}

  result<Report> run() {
    report_.name = "kernels";
    report_.environment = read_environment(options_.date);
    if (kernels::fast_kernels() == nullptr || !kernels::can_offer()) {
      return fail(ErrorCode::unsupported, "this CPU or this build has no kernels of ours");
    }
    report_.notes.push_back(
        fmt::format("our kernels: {}; stock: the same llama.cpp in the same process; {} threads",
                    kernels::fast_kernels()->name, options_.threads));
    for (const KernelPeer& peer : options_.peers)
      report_.notes.push_back(fmt::format("{}: {}", peer.name, peer.batched_bench.filename().string()));
    if (options_.peers.empty())
      report_.notes.emplace_back("tinyBLAS and OpenBLAS are left out: no --peer was given");
    report_.figures.merge(kernel_products());
    if (auto done = memory(); !done) return fail(done.error());
    if (auto done = measure("q4_1", options_.model); !done) return fail(done.error());
    for (const auto& [key, type] : {std::pair{"q8_0", "Q8_0"}, {"q4_0", "Q4_0"}}) {
      const auto file = requantized(options_.model, options_.folder, type);
      if (!file) return fail(file.error());
      if (auto done = measure(key, *file); !done) return fail(done.error());
    }
    for (const auto& [key, type] : {std::pair{"q4_k", "Q4_K"}, {"q6_k", "Q6_K"}}) {
      const auto file = made_up_model(options_.model, options_.folder, type);
      if (!file) return fail(file.error());
      if (auto done = measure(key, *file); !done) return fail(done.error());
    }
    return std::move(report_);
  }

 private:
  result<void> measure(const std::string& type, const std::filesystem::path& model) {
    auto stock = DecodeRig::load(model, false, options_.threads);
    if (!stock) return fail(stock.error());
    auto ours = DecodeRig::load(model, true, options_.threads);
    if (!ours) return fail(ours.error());
    std::vector<Rates> our_rates;
    for (const Work& work : kWorks) {
      Rates theirs;
      Rates mine;
      const std::string title = fmt::format("{}_{}", type, work.name);
      const HarnessOptions harness{1, options_.rounds};
      const std::vector<Side> sides = {side("stock", work, **stock, theirs),
                                       side("sovereign", work, **ours, mine)};
      if (auto ran = run_alternating(title, sides, harness, progress_); !ran) return fail(ran.error());
      add(title, "stock", work, theirs);
      add(title, "sovereign", work, mine);
      report_.ratios[title + "_vs_stock"] = paired_ratio(mine, theirs, kSeed);
      our_rates.push_back(std::move(mine));
    }
    if (!type.ends_with("_k")) {
      for (const KernelPeer& peer : options_.peers)
        if (auto done = against(peer, type, model, our_rates); !done) return fail(done.error());
    }
    if (type != "q4_1") return {};
    rooflines(**ours, our_rates);
    return perplexity(**ours, **stock);
  }

  // Another program, so after the alternating rounds rather than among them.
  result<void> against(const KernelPeer& peer, const std::string& type, const std::filesystem::path& model,
                       const std::vector<Rates>& ours) {
    Rates theirs[std::size(kWorks)];
    for (int round = 0; round < options_.rounds; ++round) {
      progress_.step(fmt::format("{} {}: round {} of {}", type, peer.name, round + 1, options_.rounds));
      const auto rates = time_peer(peer, model, options_.threads);
      if (!rates) return fail(rates.error());
      theirs[0].push_back(rates->prefill);
      theirs[1].push_back(rates->batch8);
      theirs[2].push_back(rates->batch1);
    }
    for (std::size_t i = 0; i < std::size(kWorks); ++i) {
      const std::string title = fmt::format("{}_{}", type, kWorks[i].name);
      report_.figures[fmt::format("{}_{}_tokens_per_s", title, peer.name)] = median(theirs[i]);
      report_.ratios[fmt::format("{}_vs_{}", title, peer.name)] = paired_ratio(ours[i], theirs[i], kSeed);
    }
    return {};
  }

  // Each side alone, after it has read all its weights.
  result<void> memory() {
    double megabytes[2] = {};
    for (const bool ours : {false, true}) {
      release_freed_memory();
      const std::uint64_t before = usage_of_self().pss_bytes;
      auto rig = DecodeRig::load(options_.model, ours, options_.threads);
      if (!rig) return fail(rig.error());
      if (auto ran = (*rig)->decode(kBatch, 1); !ran) return fail(ran.error());
      megabytes[ours ? 1 : 0] =
          (static_cast<double>(usage_of_self().pss_bytes) - static_cast<double>(before)) / 1e6;
    }
    report_.figures["memory_stock_mb"] = megabytes[0];
    report_.figures["memory_sovereign_mb"] = megabytes[1];
    const double ratio = megabytes[1] / megabytes[0];
    report_.ratios["memory_vs_stock"] = {ratio, {ratio, ratio}};
    return {};
  }

  result<void> perplexity(DecodeRig& ours, DecodeRig& stock) {
    constexpr std::size_t kPiece = 512;
    std::string text;
    for (const auto& path : options_.texts) {
      std::ifstream file(path);
      if (!file)
        return fail(ErrorCode::not_found, fmt::format("cannot read {}", path.string()), path.string());
      text.append(std::istreambuf_iterator<char>(file), {});
    }
    std::vector<std::int32_t> tokens = ours.tokens_of(text);
    tokens.resize(std::min(tokens.size(), options_.text_tokens));
    std::vector<double> differences;
    double mine = 0;
    double theirs = 0;
    for (std::size_t begin = 0; begin + kPiece <= tokens.size(); begin += kPiece) {
      progress_.step(fmt::format("perplexity: {} of {} tokens", begin, tokens.size()));
      const auto piece = std::span(tokens).subspan(begin, kPiece);
      const auto a = ours.losses(piece);
      if (!a) return fail(a.error());
      const auto b = stock.losses(piece);
      if (!b) return fail(b.error());
      for (std::size_t i = 0; i < a->size(); ++i) {
        differences.push_back((*a)[i] - (*b)[i]);
        mine += (*a)[i];
        theirs += (*b)[i];
      }
    }
    if (differences.empty()) return {};
    const auto count = static_cast<double>(differences.size());
    double variance = 0;
    const double mean = (mine - theirs) / count;
    for (const double difference : differences) variance += (difference - mean) * (difference - mean);
    const double error = std::sqrt(variance / count / count);
    // The spread is twice the standard error, for a chance of 95 %.
    report_.ratios["perplexity_vs_stock"] = {std::exp(mean), std::exp(mean - 2 * error),
                                             std::exp(mean + 2 * error)};
    report_.figures["perplexity_sovereign"] = std::exp(mine / count);
    report_.figures["perplexity_stock"] = std::exp(theirs / count);
    report_.figures["perplexity_tokens"] = count;
    if (std::abs(mean) > std::log(1.001) + 2 * error)
      return fail(ErrorCode::internal,
                  fmt::format("perplexity is {:.3f} % from stock's", 100 * std::expm1(mean)));
    return {};
  }

  static Side side(const char* name, const Work& work, DecodeRig& rig, Rates& rates) {
    return {name, [&work, &rig, &rates](int round) -> result<void> {
              const auto seconds = work.run(rig);
              if (!seconds) return fail(seconds.error());
              if (round >= 0) rates.push_back(work.tokens / *seconds);
              return {};
            }};
  }

  void add(const std::string& title, const char* side, const Work& work, const Rates& rates) {
    Rounds milliseconds;
    RunCost cost;
    for (const double rate : rates) {
      milliseconds.push_back({1000 * work.tokens / rate});
      cost.wall_seconds += work.tokens / rate;
    }
    report_.results.push_back(make_result(fmt::format("{} {}", title, side), milliseconds, cost));
    report_.figures[fmt::format("{}_{}_tokens_per_s", title, side)] = median(rates);
  }

  void rooflines(const DecodeRig& rig, const std::vector<Rates>& rates) {
    report_.ratios["batch8_over_batch1"] = paired_ratio(rates[1], rates[2], kSeed);
    // What caches hold of the weights from token to token, they hold of as many bytes here.
    const double bandwidth = read_bytes_per_second(options_.threads, rig.panel_bytes());
    const double far = read_bytes_per_second(options_.threads, kFarMemory);
    const Int8Peak peak = int8_peak(options_.threads);
    report_.figures["read_bandwidth_gb_per_s"] = bandwidth / 1e9;
    report_.figures["far_read_bandwidth_gb_per_s"] = far / 1e9;
    report_.figures["int8_peak_gmac_per_s"] = peak.multiply_adds_per_second / 1e9;
    report_.notes.push_back(fmt::format("int8 peak: {}", peak.instruction));
    report_.figures["weights_mb"] = static_cast<double>(rig.panel_bytes()) / 1e6;
    report_.figures["parameters_millions"] = static_cast<double>(rig.parameters()) / 1e6;
    report_.figures["parameters_without_head_millions"] =
        static_cast<double>(rig.parameters() - rig.head_parameters()) / 1e6;
    const auto over = [&](const Rates& of, double per_token, double most) {
      return paired_ratio(of, Rates(of.size(), most / per_token), kSeed);
    };
    const auto bytes = static_cast<double>(rig.panel_bytes());
    report_.ratios["roofline_batch1"] = over(rates[2], bytes, bandwidth);
    // A prompt multiplies all matrices but the head for each token; the head, a fifth of the parameters
    // of the default model, for the last one only.
    const auto parameters = static_cast<double>(rig.parameters() - rig.head_parameters());
    report_.ratios["roofline_prefill"] = over(rates[0], parameters, peak.multiply_adds_per_second);
  }

  const KernelsOptions& options_;
  const Progress& progress_;
  Report report_;
};

}  // namespace

result<Report> run_kernels_suite(const KernelsOptions& options, const Progress& progress) {
  return Suite(options, progress).run();
}

}  // namespace sovereign::bench
