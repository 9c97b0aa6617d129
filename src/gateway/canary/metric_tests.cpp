#include "gateway/canary/metric_tests.h"

#include <algorithm>
#include <array>

namespace sovereign::gateway {
namespace {

std::uint32_t count_of(std::span<const Sample> block, Arm arm) {
  return static_cast<std::uint32_t>(
      std::count_if(block.begin(), block.end(), [arm](const Sample& each) { return each.arm == arm; }));
}

double share_of(std::span<const Arm> events, Arm arm, std::uint32_t queries) {
  return static_cast<double>(std::count(events.begin(), events.end(), arm)) / queries;
}

// The arm has values in the block.
double mean_of(std::span<const Sample> block, Arm arm) {
  double sum = 0;
  for (const Sample& each : block) sum += each.arm == arm ? each.value : 0;
  return sum / count_of(block, arm);
}

}  // namespace

void TimeTest::Side::add(double seconds) {
  mean.add(seconds);
  median.add(seconds);
  p90.add(seconds);
}

void TimeTest::observe(std::span<const Sample> block) {
  const std::uint32_t controls = count_of(block, Arm::control);
  const std::uint32_t variants = count_of(block, Arm::variant);
  if (controls > 0 && variants > 0) {
    double slower = 0;
    for (const Sample& variant : block) {
      if (variant.arm != Arm::variant) continue;
      for (const Sample& control : block) {
        if (control.arm != Arm::control) continue;
        const double bound = ratio_ * control.value;
        slower += variant.value > bound ? 1 : variant.value == bound ? 0.5 : 0;
      }
    }
    const double score = slower / (static_cast<double>(controls) * variants) - 0.5;
    typical_.observe(score);
    fine_.observe(-score);
    if (control_.mean.count >= kSlowFrom) {
      // The threshold comes from the blocks before this one.
      const double slow = control_.p90.estimate();
      std::vector<Arm> events;
      for (const Sample& each : block) {
        if (each.value > (each.arm == Arm::variant ? ratio_ * slow : slow)) events.push_back(each.arm);
      }
      slow_.observe(controls, variants, events);
      slow_fine_.observe(share_of(events, Arm::control, controls) + kSlowSlack -
                         share_of(events, Arm::variant, variants));
    }
  }
  for (const Sample& each : block) (each.arm == Arm::control ? control_ : variant_).add(each.value);
}

double TimeTest::worse() const {
  const std::array both = {typical_.log_evidence(), slow_.log_evidence()};
  return log_mean_exp(both);
}

void ErrorTest::observe(std::uint32_t controls, std::uint32_t variants, std::span<const Arm> failures,
                        std::span<const Arm> left) {
  const auto of_variant = static_cast<double>(std::count(failures.begin(), failures.end(), Arm::variant));
  const double of_control = static_cast<double>(failures.size()) - of_variant;
  control_.count += controls;
  control_.sum += of_control;
  variant_.count += variants;
  variant_.sum += of_variant;
  worse_.observe(controls, variants, failures);
  if (controls == 0 || variants == 0) return;
  fine_.observe(share_of(failures, Arm::control, controls) + share_of(left, Arm::control, controls) + kSlack -
                share_of(failures, Arm::variant, variants) - share_of(left, Arm::variant, variants));
}

void QualityTest::observe(std::span<const Sample> block) {
  if (count_of(block, Arm::control) > 0 && count_of(block, Arm::variant) > 0) {
    const double shortfall = ratio_ * mean_of(block, Arm::control) - mean_of(block, Arm::variant);
    worse_.observe(shortfall);
    fine_.observe(-shortfall);
  }
  for (const Sample& each : block) (each.arm == Arm::control ? control_ : variant_).add(each.value);
}

}  // namespace sovereign::gateway
