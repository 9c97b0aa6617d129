#include "server/metrics/canary_exposition.h"

#include <algorithm>
#include <array>

namespace sovereign::server {
namespace {

using gateway::CanaryPhase;
using gateway::MetricView;
using Type = PrometheusText::Type;

constexpr std::array kPhases = {CanaryPhase::running, CanaryPhase::rolled_back, CanaryPhase::promoted};

}  // namespace

void write_canary_metrics(PrometheusText& text, const runtime::CanaryView& view) {
  text.begin("sovereign_canary_phase", Type::gauge, "1 for the phase that the canary is in.");
  for (const auto phase : kPhases) {
    text.sample(view.phase == phase ? 1 : 0, {{"canary", view.name}, {"phase", to_string(phase)}});
  }
  text.begin("sovereign_canary_queries_total", Type::counter,
             "Queries that took part, by what became of them; left: their clients left; uncounted: found, "
             "shared, wrong, "
             "or begun in an earlier trial.");
  for (const bool variant : {false, true}) {
    const auto& counts = variant ? view.variant : view.control;
    const std::string_view arm = variant ? "variant" : "control";
    text.sample(static_cast<double>(counts.answered), {{"arm", arm}, {"outcome", "answered"}});
    text.sample(static_cast<double>(counts.failed), {{"arm", arm}, {"outcome", "failed"}});
    text.sample(static_cast<double>(counts.left), {{"arm", arm}, {"outcome", "left"}});
    text.sample(static_cast<double>(counts.uncounted), {{"arm", arm}, {"outcome", "uncounted"}});
  }
  text.counter("sovereign_canary_taken_over_total",
               "Queries that the variant failed before its first token, and control was asked.",
               static_cast<double>(view.variant.taken_over));
  text.gauge("sovereign_canary_looks", "Looks at the evidence since the trial began.", view.looks);
  text.begin("sovereign_canary_evidence", Type::gauge,
             "Evidence that the variant is worse, over what is needed: at 1 it is rolled back.");
  for (const MetricView& metric : view.metrics) {
    text.sample(std::max(0.0, metric.worse), {{"metric", to_string(metric.metric)}});
  }
  text.begin("sovereign_canary_mean", Type::gauge,
             "Mean of what was compared: seconds, share of queries without an answer, score.");
  for (const MetricView& metric : view.metrics) {
    if (metric.control.count > 0)
      text.sample(metric.control.mean, {{"metric", to_string(metric.metric)}, {"arm", "control"}});
    if (metric.variant.count > 0)
      text.sample(metric.variant.mean, {{"metric", to_string(metric.metric)}, {"arm", "variant"}});
  }
  text.counter("sovereign_canary_save_failures_total", "Times that its state could not be written.",
               static_cast<double>(view.save_failures));
}

}  // namespace sovereign::server
