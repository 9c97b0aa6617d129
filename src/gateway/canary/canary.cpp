#include "gateway/canary/canary.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gateway/canary/assignment.h"

namespace sovereign::gateway {
namespace {

constexpr double kFirstLook = 10;  // observations of the variant; then told at every doubling

std::string describe_look(const Comparison& comparison) {
  std::string text;
  for (const Metric metric : kMetrics) {
    const MetricView view = comparison.view(metric);
    if (!view.measured()) continue;
    text +=
        fmt::format("{}{} {:.0f} %", text.empty() ? "evidence that it is worse, of what is needed: " : ", ",
                    to_string(metric), 100 * view.worse);
  }
  return text.empty() ? "nothing to compare yet" : text;
}

}  // namespace

std::string_view to_string(CanaryEvent::Kind kind) {
  switch (kind) {
    case CanaryEvent::Kind::started: return "started";
    case CanaryEvent::Kind::looked: return "looked";
    case CanaryEvent::Kind::rolled_back: return "rolled_back";
    case CanaryEvent::Kind::promoted: return "promoted";
  }
  return "started";
}

std::string describe(const MetricView& view) {
  const std::string_view name = to_string(view.metric);
  switch (view.metric) {
    case Metric::errors:
      return fmt::format("{}: {:.2f} % of {:.0f} queries, control {:.2f} % of {:.0f}", name,
                         100 * view.variant.mean, view.variant.count, 100 * view.control.mean,
                         view.control.count);
    case Metric::quality:
      return fmt::format("{}: mean score {:.3f} of {:.0f} answers, control {:.3f} of {:.0f}", name,
                         view.variant.mean, view.variant.count, view.control.mean, view.control.count);
    default:
      return fmt::format(
          "{}: median about {:.4g} s, 90th percentile {:.4g} s of {:.0f} answers; control {:.4g} s, "
          "{:.4g} s of {:.0f}",
          name, view.variant.median, view.variant.p90, view.variant.count, view.control.median,
          view.control.p90, view.control.count);
  }
}

Canary::Canary(CanaryConfig config, std::int64_t now_ms)
    : config_(std::move(config)), comparison_(config_.comparison) {
  restart("server", "new configuration", now_ms);
}

Canary::Canary(CanaryConfig config, const CanaryState& state, std::int64_t now_ms)
    : config_(std::move(config)), comparison_(config_.comparison) {
  if (state.name != config_.name || state.configuration != config_.configuration) {
    restart("server", "new configuration", now_ms);
    return;
  }
  story_ = state.story;
  if (story_.size() > kStoryEvents) story_.erase(story_.begin(), story_.end() - kStoryEvents);
  const bool decided = state.phase != CanaryPhase::running;
  const bool same_control = state.control == config_.control;
  const bool evident = comparison_.restore(state.evidence);
  if (!decided && (!same_control || !evident)) {
    restart(
        "server",
        same_control ? "what was kept of the comparison cannot be read" : "control has another configuration",
        now_ms);
    return;
  }
  phase_ = state.phase;
  started_ms_ = state.started_ms;
  looks_ = state.looks;
  told_ = comparison_.observed(Arm::variant);
}

Arm Canary::arm_for(std::uint64_t unit) const {
  switch (phase_) {
    case CanaryPhase::running: return assign_arm(config_.name, unit, config_.comparison.share);
    case CanaryPhase::rolled_back: return Arm::control;
    case CanaryPhase::promoted: return Arm::variant;
  }
  return Arm::control;
}

std::optional<CanaryEvent> Canary::observe(const Observation& observation, std::int64_t now_ms) {
  if (phase_ != CanaryPhase::running || !comparison_.observe(observation)) return std::nullopt;
  ++looks_;
  if (const auto worse = comparison_.worse()) {
    phase_ = CanaryPhase::rolled_back;
    return tell(CanaryEvent::Kind::rolled_back, "server",
                fmt::format("worse by more than {:.3g} %: {}", 100 * config_.comparison.margin,
                            describe(comparison_.view(*worse))),
                now_ms);
  }
  if (config_.promote_when_fine && now_ms - started_ms_ >= config_.promote_after_ms && comparison_.fine()) {
    phase_ = CanaryPhase::promoted;
    return tell(CanaryEvent::Kind::promoted, "server",
                fmt::format("shown not to be worse by more than {:.3g} %", 100 * config_.comparison.margin),
                now_ms);
  }
  const double seen = comparison_.observed(Arm::variant);
  if (seen < std::max(kFirstLook, 2 * told_)) return std::nullopt;
  told_ = seen;
  return tell(CanaryEvent::Kind::looked, "server", describe_look(comparison_), now_ms);
}

result<CanaryEvent> Canary::promote(std::string by, std::string why, std::int64_t now_ms) {
  if (phase_ == CanaryPhase::promoted) {
    return fail(ErrorCode::already_exists, fmt::format("Canary '{}' is promoted already.", config_.name));
  }
  phase_ = CanaryPhase::promoted;
  return tell(CanaryEvent::Kind::promoted, std::move(by), std::move(why), now_ms);
}

result<CanaryEvent> Canary::roll_back(std::string by, std::string why, std::int64_t now_ms) {
  if (phase_ == CanaryPhase::rolled_back) {
    return fail(ErrorCode::already_exists, fmt::format("Canary '{}' is rolled back already.", config_.name));
  }
  phase_ = CanaryPhase::rolled_back;
  return tell(CanaryEvent::Kind::rolled_back, std::move(by), std::move(why), now_ms);
}

CanaryEvent Canary::restart(std::string by, std::string why, std::int64_t now_ms) {
  comparison_ = Comparison(config_.comparison);
  phase_ = CanaryPhase::running;
  started_ms_ = now_ms;
  looks_ = told_ = 0;
  return tell(CanaryEvent::Kind::started, std::move(by), std::move(why), now_ms);
}

std::optional<CanaryEvent> Canary::set_control(std::string control, std::int64_t now_ms) {
  const bool same = control == config_.control;
  config_.control = std::move(control);
  if (same || phase_ != CanaryPhase::running) return std::nullopt;
  return restart("server", "control has another configuration", now_ms);
}

CanaryState Canary::state() const {
  return {config_.name, config_.configuration, config_.control, phase_, started_ms_, looks_,
          story_,       comparison_.save()};
}

CanaryEvent Canary::tell(CanaryEvent::Kind kind, std::string by, std::string why, std::int64_t now_ms) {
  CanaryEvent event{kind,
                    now_ms,
                    std::move(by),
                    std::move(why),
                    comparison_.observed(Arm::control),
                    comparison_.observed(Arm::variant)};
  if (story_.size() == kStoryEvents) story_.erase(story_.begin());
  story_.push_back(event);
  return event;
}

}  // namespace sovereign::gateway
