#include "gateway/canary/comparison.h"

#include <algorithm>
#include <cmath>

namespace sovereign::gateway {
namespace {

constexpr std::uint32_t kShortestBlock = 8;
constexpr std::uint32_t kLongestBlock = 64;

MetricView::Side view_of(const TimeTest::Side& side) {
  return {side.mean.count, side.mean.mean(), side.median.estimate(), side.p90.estimate()};
}
MetricView::Side view_of(const RunningMean& mean) { return {mean.count, mean.mean(), 0, 0}; }

}  // namespace

std::uint32_t block_queries(double share) {
  const double smaller = std::clamp(std::min(share, 1 - share), 1.0 / kLongestBlock, 1.0);
  return std::clamp(static_cast<std::uint32_t>(std::lround(1 / smaller)), kShortestBlock, kLongestBlock);
}

Comparison::Comparison(const ComparisonConfig& config)
    : config_(config),
      times_{TimeTest(config.margin), TimeTest(config.margin), TimeTest(config.margin)},
      errors_(config.margin),
      quality_(config.margin) {
  block_.reserve(block_queries(config.share));
}

bool Comparison::observe(const Observation& observation) {
  block_.push_back(observation);
  if (block_.size() < block_queries(config_.share)) return false;
  close_block();
  return true;
}

void Comparison::close_block() {
  std::array<std::uint32_t, 2> queries{};
  std::vector<Arm> failures;
  std::vector<Arm> left;
  std::array<std::vector<Sample>, kTimes> seconds;
  std::vector<Sample> qualities;
  for (const Observation& each : block_) {
    ++queries[static_cast<std::size_t>(each.arm)];
    if (each.failed) {
      failures.push_back(each.arm);
    } else if (each.left) {
      left.push_back(each.arm);
    }
    for (std::size_t i = 0; i < kTimes; ++i) {
      if (each.seconds[i]) seconds[i].push_back({each.arm, *each.seconds[i]});
    }
    if (each.quality) qualities.push_back({each.arm, *each.quality});
  }
  block_.clear();
  for (std::size_t i = 0; i < kTimes; ++i) times_[i].observe(seconds[i]);
  errors_.observe(queries[0], queries[1], failures, left);
  quality_.observe(qualities);
}

double Comparison::worse_evidence(Metric metric) const {
  switch (metric) {
    case Metric::errors: return errors_.worse();
    case Metric::quality: return quality_.worse();
    default: return times_[static_cast<std::size_t>(metric)].worse();
  }
}

double Comparison::fine_evidence(Metric metric) const {
  switch (metric) {
    case Metric::errors: return errors_.fine();
    case Metric::quality: return quality_.fine();
    default: return times_[static_cast<std::size_t>(metric)].fine();
  }
}

MetricView Comparison::view(Metric metric) const {
  MetricView view;
  view.metric = metric;
  switch (metric) {
    case Metric::errors:
      view.control = view_of(errors_.control());
      view.variant = view_of(errors_.variant());
      break;
    case Metric::quality:
      view.control = view_of(quality_.control());
      view.variant = view_of(quality_.variant());
      break;
    default: {
      const TimeTest& time = times_[static_cast<std::size_t>(metric)];
      view.control = view_of(time.control());
      view.variant = view_of(time.variant());
    }
  }
  const double needed = std::log(static_cast<double>(kMetrics.size()) / config_.alpha);
  view.worse = worse_evidence(metric) / needed;
  view.fine = fine_evidence(metric) / -std::log(config_.alpha);
  return view;
}

std::optional<Metric> Comparison::worse() const {
  std::optional<Metric> strongest;
  double most = 1;
  for (const Metric metric : kMetrics) {
    const double evidence = view(metric).worse;
    if (evidence < most) continue;
    most = evidence;
    strongest = metric;
  }
  return strongest;
}

bool Comparison::fine() const {
  bool any = false;
  for (const Metric metric : kMetrics) {
    const MetricView seen = view(metric);
    if (!seen.measured()) continue;
    if (seen.fine < 1) return false;
    any = true;
  }
  return any;
}

double Comparison::observed(Arm arm) const {
  return arm == Arm::control ? errors_.control().count : errors_.variant().count;
}

template <class Visitor>
void Comparison::visit(Visitor&& number) {
  for (TimeTest& time : times_) time.visit(number);
  errors_.visit(number);
  quality_.visit(number);
}

std::vector<double> Comparison::save() const {
  std::vector<double> numbers;
  Comparison copy = *this;
  copy.visit([&](double& each) { numbers.push_back(each); });
  return numbers;
}

bool Comparison::restore(const std::vector<double>& numbers) {
  Comparison restored(config_);
  std::size_t next = 0;
  bool whole = true;
  restored.visit([&](double& each) {
    whole = whole && next < numbers.size() && std::isfinite(numbers[next]);
    if (whole) each = numbers[next];
    ++next;
  });
  if (!whole || next != numbers.size()) return false;
  *this = std::move(restored);
  return true;
}

}  // namespace sovereign::gateway
