#include <fmt/format.h>

#include <array>
#include <cmath>
#include <random>

#include "base/clock.h"
#include "bench/allocation_counter.h"
#include "bench/random.h"
#include "bench/suites/quality_parts.h"
#include "omega/assessment.h"
#include "omega/projector.h"
#include "roadmap_baselines/allocating_projector.h"

namespace sovereign::bench {
namespace {

constexpr std::size_t kVectors = 1024;

std::vector<omega::IhsanVector> draw_vectors(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<omega::IhsanVector> vectors(kVectors);
  for (omega::IhsanVector& vector : vectors) {
    for (std::size_t d = 0; d < omega::kDimensions; ++d)
      vector.set(static_cast<omega::Dimension>(d), draw_fraction(random));
  }
  return vectors;
}

struct ProjectionRun {
  double ns_per_call = 0;
  double checksum = 0;  // keeps the work from being optimized away, and shows that both sides did the same
};

// Not inlined, so that both sides are compiled for any vector and not for these.
template <class Projector>
[[gnu::noinline]] ProjectionRun project_all(const Projector& projector,
                                            const std::vector<omega::IhsanVector>& vectors,
                                            std::size_t passes) {
  const SteadyClock clock;
  ProjectionRun run;
  const Time begin = clock.now();
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (const omega::IhsanVector& vector : vectors) {
      const omega::NTUState state = projector.project(vector);
      run.checksum += state.belief + state.entropy + state.potential;
    }
  }
  const auto ns = std::chrono::duration<double, std::nano>(clock.now() - begin).count();
  run.ns_per_call = ns / static_cast<double>(passes * vectors.size());
  return run;
}

}  // namespace

result<void> measure_projection(const QualityOptions& options, const Progress& progress, Report& report) {
  const std::vector<omega::IhsanVector> vectors = draw_vectors(options.seed);
  const std::size_t passes = options.smoke ? 2 : 400;
  const omega::IhsanProjector ours;
  const roadmap::AllocatingProjector theirs;
  std::vector<double> our_ns;
  std::vector<double> their_ns;
  std::uint64_t allocations = 0;
  double our_sum = 0;
  double their_sum = 0;
  const std::vector<Side> sides = {{"ours",
                                    [&](int round) -> result<void> {
                                      const std::uint64_t before = allocations_of_this_thread();
                                      const ProjectionRun run = project_all(ours, vectors, passes);
                                      allocations += allocations_of_this_thread() - before;
                                      our_sum = run.checksum;
                                      if (round >= 0) our_ns.push_back(run.ns_per_call);
                                      return {};
                                    }},
                                   {"a new array per step", [&](int round) -> result<void> {
                                      const ProjectionRun run = project_all(theirs, vectors, passes);
                                      their_sum = run.checksum;
                                      if (round >= 0) their_ns.push_back(run.ns_per_call);
                                      return {};
                                    }}};
  if (auto ran =
          run_alternating("projection", sides, {.warm_up_rounds = 1, .rounds = options.rounds}, progress);
      !ran)
    return fail(std::move(ran.error()));
  if (!(std::abs(our_sum - their_sum) <= 1e-9 * std::abs(our_sum)))
    return fail(ErrorCode::internal, "our projection and the roadmap's give different results");
  report.figures["project_ns"] = median(our_ns);
  report.figures["project_allocating_ns"] = median(their_ns);
  report.figures["project_allocations"] = static_cast<double>(allocations);
  report.ratios["project_vs_allocating"] = paired_ratio(their_ns, our_ns, options.seed);
  report.notes.emplace_back("project_vs_allocating: the roadmap's time over ours");
  return {};
}

void measure_assessment(const QualityOptions& options, const std::string& answer, const std::string& document,
                        std::size_t tokens, Report& report) {
  const std::vector<float> logprobs(tokens, -0.7F);
  const std::array<std::string_view, 1> context = {document};
  const omega::Evidence evidence{.question = "What does the document say?",
                                 .context = context,
                                 .answer = answer,
                                 .logprobs = logprobs,
                                 .ending = omega::Ending::complete};
  double sum = 0;
  BenchmarkResult timed = run_timed(
      "assessment",
      {.warm_up_iterations = 20, .rounds = options.rounds, .iterations_per_round = options.smoke ? 5 : 300},
      [&] { sum += omega::assess(evidence).state.belief; });
  report.figures["assess_us"] = timed.median * 1e3;
  report.figures["assess_p99_us"] = timed.p99 * 1e3;
  report.notes.push_back(
      fmt::format("assess_us: {} tokens, {} bytes of answer, against {} bytes of context{}", tokens,
                  answer.size(), document.size(), std::isfinite(sum) ? "" : " (not finite)"));
  report.results.push_back(std::move(timed));
}

}  // namespace sovereign::bench
