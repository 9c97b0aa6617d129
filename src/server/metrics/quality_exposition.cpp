#include "server/metrics/quality_exposition.h"

namespace sovereign::server {
namespace {

double value_of(const runtime::QualityMetrics::Counter& counter) {
  return static_cast<double>(counter.load(std::memory_order_relaxed));
}

}  // namespace

void write_quality_metrics(PrometheusText& text, const runtime::QualityMetrics& metrics) {
  text.begin("sovereign_quality_assessments_total", PrometheusText::Type::counter,
             "Answers to queries that were assessed, by what came of them.");
  text.sample(value_of(metrics.accepted), {{"verdict", "accept"}});
  text.sample(value_of(metrics.let_through), {{"verdict", "annotate"}});
  text.sample(value_of(metrics.retried), {{"verdict", "retry"}});
  text.sample(value_of(metrics.refused), {{"verdict", "refuse"}});
  text.histogram("sovereign_quality_score", "Score of single answers; those without one are not in it.",
                 metrics.score);
  text.counter("sovereign_quality_unmeasured_total", "Answers of which nothing was measured.",
               value_of(metrics.unmeasured));
  text.counter("sovereign_quality_judged_total", "Verdicts of a judge.", value_of(metrics.judged));
  text.counter("sovereign_quality_judge_failures_total", "Answers that a judge gave no usable verdict on.",
               value_of(metrics.judge_failures));
}

}  // namespace sovereign::server
