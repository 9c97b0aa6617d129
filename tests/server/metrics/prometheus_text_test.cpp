#include "server/metrics/prometheus_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace sovereign::server {
namespace {

TEST(PrometheusText, CountersAndGauges) {
  PrometheusText text;
  text.counter("a_total", "How\nmany \\ \"things\".", 12);
  text.gauge("b", "Now.", 0.25);
  EXPECT_EQ(text.take(),
            "# HELP a_total How\\nmany \\\\ \"things\".\n# TYPE a_total counter\na_total 12\n"
            "# HELP b Now.\n# TYPE b gauge\nb 0.25\n");
}

TEST(PrometheusText, LabelsAreEscaped) {
  PrometheusText text;
  text.begin("a", PrometheusText::Type::gauge, "x");
  text.sample(std::numeric_limits<double>::infinity(), {{"k", "a\"b\\c\nd"}, {"l", ""}});
  EXPECT_TRUE(text.take().ends_with("a{k=\"a\\\"b\\\\c\\nd\",l=\"\"} +Inf\n"));
}

TEST(PrometheusText, HistogramsAreCumulative) {
  Histogram histogram({1, 2.5});
  for (const double value : {0.5, 1.0, 2.0, 9.0}) histogram.observe(value);
  PrometheusText text;
  text.begin("h", PrometheusText::Type::histogram, "x");
  text.sample(histogram, {{"r", "a"}});
  EXPECT_EQ(text.take(),
            "# HELP h x\n# TYPE h histogram\n"
            "h_bucket{r=\"a\",le=\"1\"} 2\nh_bucket{r=\"a\",le=\"2.5\"} 3\nh_bucket{r=\"a\",le=\"+Inf\"} 4\n"
            "h_sum{r=\"a\"} 12.5\nh_count{r=\"a\"} 4\n");
}

}  // namespace
}  // namespace sovereign::server
