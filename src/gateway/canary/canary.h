// A variant of the configuration on trial: takes a share of the queries, is compared with control, and ends
// by being rolled back or promoted.
//
//   running       the variant has its share; observations are compared
//   rolled_back   the variant has nothing: it was worse, or somebody said so
//   promoted      the variant has everything: somebody said so, or it was shown to be fine
//
// Pure: time, in milliseconds since 1970-01-01 UTC, comes in. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/canary/comparison.h"

namespace sovereign::gateway {

enum class CanaryPhase { running, rolled_back, promoted };

constexpr std::string_view to_string(CanaryPhase phase) {
  switch (phase) {
    case CanaryPhase::running: return "running";
    case CanaryPhase::rolled_back: return "rolled_back";
    case CanaryPhase::promoted: return "promoted";
  }
  return "running";
}

struct CanaryConfig {
  std::string name;
  // A digest of all that makes the variant what it is, and of how it is compared: what is known of another
  // configuration says nothing about this one.
  std::string configuration;
  // Likewise of control: a trial against another control begins anew, but what was decided stays decided.
  std::string control;
  ComparisonConfig comparison;
  bool promote_when_fine = false;
  std::int64_t promote_after_ms = 3'600'000;  // since it began; not sooner
};

struct CanaryEvent {
  enum class Kind { started, looked, rolled_back, promoted };
  Kind kind = Kind::started;
  std::int64_t at_ms = 0;
  std::string by;       // "server", "admin"
  std::string why;      // for people
  double controls = 0;  // observed until then
  double variants = 0;
};

// "started", "looked", "rolled_back", "promoted"
std::string_view to_string(CanaryEvent::Kind kind);

// What outlives the process.
struct CanaryState {
  std::string name;
  std::string configuration;
  std::string control;
  CanaryPhase phase = CanaryPhase::running;
  std::int64_t started_ms = 0;
  double looks = 0;
  std::vector<CanaryEvent> story;
  std::vector<double> evidence;  // Comparison::save()
};

class Canary {
 public:
  static constexpr std::size_t kStoryEvents = 64;  // the latest are kept

  // Begins anew.
  Canary(CanaryConfig config, std::int64_t now_ms);
  // Goes on from a state of the same configuration; from another one, or with evidence that cannot be read,
  // it begins anew.
  Canary(CanaryConfig config, const CanaryState& state, std::int64_t now_ms);

  // `unit` is a hash of what is assigned (assignment.h).
  Arm arm_for(std::uint64_t unit) const;

  // Counts while it is running. Gives what came of it, when that is worth telling.
  std::optional<CanaryEvent> observe(const Observation& observation, std::int64_t now_ms);

  // Errors: already_exists (it is that already).
  result<CanaryEvent> promote(std::string by, std::string why, std::int64_t now_ms);
  result<CanaryEvent> roll_back(std::string by, std::string why, std::int64_t now_ms);
  // Forgets what was compared, and runs.
  // Control answers otherwise from now on. A trial that runs begins anew; nothing when it is the same
  // control, or the trial is over.
  std::optional<CanaryEvent> set_control(std::string control, std::int64_t now_ms);
  CanaryEvent restart(std::string by, std::string why, std::int64_t now_ms);

  CanaryPhase phase() const { return phase_; }
  const CanaryConfig& config() const { return config_; }
  const Comparison& comparison() const { return comparison_; }
  const std::vector<CanaryEvent>& story() const { return story_; }
  std::int64_t started_ms() const { return started_ms_; }
  double looks() const { return looks_; }
  CanaryState state() const;

 private:
  CanaryEvent tell(CanaryEvent::Kind kind, std::string by, std::string why, std::int64_t now_ms);

  CanaryConfig config_;
  Comparison comparison_;
  CanaryPhase phase_ = CanaryPhase::running;
  std::int64_t started_ms_ = 0;
  double looks_ = 0;  // full blocks
  double told_ = 0;   // observations of the variant when a look was last told
  std::vector<CanaryEvent> story_;
};

// "latency: typical 0.31 s against 0.20 s …": what a verdict rests on, for people.
std::string describe(const MetricView& view);

}  // namespace sovereign::gateway
