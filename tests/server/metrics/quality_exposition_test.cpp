#include "server/metrics/quality_exposition.h"

#include <gmock/gmock.h>

namespace sovereign::server {
namespace {

using testing::HasSubstr;

TEST(QualityExposition, CountsByVerdict) {
  runtime::QualityMetrics metrics;
  metrics.accepted = 3;
  metrics.refused = 1;
  metrics.score.observe(0.97);
  metrics.score.observe(0.2);
  PrometheusText text;
  write_quality_metrics(text, metrics);
  const std::string page = text.take();
  EXPECT_THAT(page, HasSubstr("sovereign_quality_assessments_total{verdict=\"accept\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("sovereign_quality_assessments_total{verdict=\"annotate\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("sovereign_quality_assessments_total{verdict=\"refuse\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("sovereign_quality_score_bucket{le=\"0.95\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("sovereign_quality_score_count 2\n"));
}

}  // namespace
}  // namespace sovereign::server
