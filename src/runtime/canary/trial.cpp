#include "runtime/canary/trial.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "cache/wall_time.h"
#include "gateway/canary/state_codec.h"

namespace sovereign::runtime {
namespace {

namespace fs = std::filesystem;
using gateway::Canary;
using gateway::CanaryEvent;
using gateway::CanaryPhase;

constexpr Duration kSaveInterval = std::chrono::seconds(5);
// Of queries whose clients left, between two that ended otherwise. Far more than these say nothing new.
constexpr std::size_t kMaxLeft = 1024;

std::int64_t now_ms() { return cache::wall_now().time_since_epoch().count(); }

fs::path beside(const fs::path& file, const char* suffix) {
  fs::path other = file;
  other += suffix;
  return other;
}

// Nothing when there is no file.
result<std::optional<gateway::CanaryState>> read_state(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) {
    if (error) return fail(ErrorCode::permission_denied, error.message(), file.string());
    return std::nullopt;
  }
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return fail(ErrorCode::corrupt, "cannot be read", file.string());
  auto state = gateway::decode_state(text.str());
  if (!state) return fail(std::move(state.error()));
  return std::move(*state);
}

// As a whole, or not at all.
result<void> write_state(const fs::path& file, const std::string& text) {
  const fs::path draft = beside(file, ".new");
  std::error_code error;
  fs::remove(draft, error);
  {
    auto out = AppendFile::open(draft, AppendFile::Mode::create_new);
    if (!out) return fail(std::move(out.error()));
    if (auto written = out->append(text); !written) return written;
    if (auto synced = out->sync(); !synced) return synced;
  }
  fs::rename(draft, file, error);
  if (error) return fail(ErrorCode::internal, "cannot replace it: " + error.message(), file.string());
  return sync_folder(file.parent_path());
}

Canary make_canary(gateway::CanaryConfig config, const fs::path& file) {
  const auto state = read_state(file);
  if (!state) {
    Canary canary(std::move(config), now_ms());
    const auto stopped = canary.roll_back(
        "server",
        fmt::format("its state is unreadable, so it may have been rolled back: {}", state.error().message),
        now_ms());
    if (stopped) spdlog::error("canary {}: {}: {}", canary.config().name, file.string(), stopped->why);
    return canary;
  }
  if (*state) return {std::move(config), **state, now_ms()};
  return {std::move(config), now_ms()};
}

}  // namespace

ArmCounts CanaryTrial::AtomicCounts::read() const {
  return {answered.load(std::memory_order_relaxed), failed.load(std::memory_order_relaxed),
          left.load(std::memory_order_relaxed), uncounted.load(std::memory_order_relaxed),
          taken_over.load(std::memory_order_relaxed)};
}

result<std::unique_ptr<CanaryTrial>> CanaryTrial::open(gateway::CanaryConfig config, fs::path file) {
  auto lock = AppendFile::open(beside(file, ".lock"), AppendFile::Mode::read_write);
  if (!lock) return fail(std::move(lock.error()));
  Canary canary = make_canary(std::move(config), file);
  std::unique_ptr<CanaryTrial> trial(new CanaryTrial(std::move(canary), std::move(file), std::move(*lock)));
  const auto view = trial->view();
  spdlog::info("canary {} is {}: {:.0f} queries of control and {:.0f} of the variant are compared", view.name,
               to_string(view.phase), view.controls, view.variants);
  if (auto saved = trial->save(); !saved) return fail(std::move(saved.error()));
  return trial;
}

CanaryTrial::CanaryTrial(Canary canary, fs::path file, AppendFile lock)
    : name_(canary.config().name),
      file_(std::move(file)),
      lock_(std::move(lock)),
      phase_(canary.phase()),
      canary_(std::move(canary)) {}

CanaryTrial::~CanaryTrial() {
  if (auto saved = save(); !saved) spdlog::error("canary {}: {}", name_, saved.error().message);
}

gateway::Arm CanaryTrial::arm_for(std::uint64_t unit) const {
  switch (phase()) {
    case CanaryPhase::promoted: return gateway::Arm::variant;
    case CanaryPhase::rolled_back: return gateway::Arm::control;
    case CanaryPhase::running: break;
  }
  const std::lock_guard lock(mutex_);
  return canary_.arm_for(unit);
}

void CanaryTrial::observe(const gateway::Observation& observation, std::uint64_t round) {
  auto& arm = counts(observation.arm);
  std::vector<CanaryEvent> events;
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    if (round != round_.load(std::memory_order_relaxed)) {
      arm.uncounted.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    (observation.failed ? arm.failed : arm.answered).fetch_add(1, std::memory_order_relaxed);
    left_.push_back(observation);
    for (const auto& seen : left_) {
      if (auto event = canary_.observe(seen, now_ms())) events.push_back(std::move(*event));
    }
    left_.clear();
    phase_.store(canary_.phase(), std::memory_order_release);
    const Time now = std::chrono::steady_clock::now();
    due = canary_.phase() == CanaryPhase::running && now - saved_ >= kSaveInterval;
    if (due) saved_ = now;  // one of those who see it now
  }
  for (const auto& event : events) {
    const auto saved = tell(event);
    if (!saved) spdlog::error("canary {}: {}", name_, saved.error().message);
  }
  if (events.empty() && due) {
    if (const auto saved = save(); !saved) spdlog::warn("canary {}: {}", name_, saved.error().message);
  }
}

void CanaryTrial::note_left(const gateway::Observation& observation, std::uint64_t round) {
  auto& arm = counts(observation.arm);
  const std::lock_guard lock(mutex_);
  if (round != round_.load(std::memory_order_relaxed)) {
    arm.uncounted.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  (observation.failed ? arm.failed : arm.left).fetch_add(1, std::memory_order_relaxed);
  if (canary_.phase() == CanaryPhase::running && left_.size() < kMaxLeft) left_.push_back(observation);
}

void CanaryTrial::begin_round() {
  left_.clear();
  round_.fetch_add(1, std::memory_order_release);
}

void CanaryTrial::count_uncounted(gateway::Arm arm) {
  counts(arm).uncounted.fetch_add(1, std::memory_order_relaxed);
}

void CanaryTrial::count_taken_over() { variant_.taken_over.fetch_add(1, std::memory_order_relaxed); }

result<void> CanaryTrial::promote(const std::string& by, const std::string& why) {
  std::unique_lock lock(mutex_);
  auto event = canary_.promote(by, why, now_ms());
  if (!event) return fail(std::move(event.error()));
  phase_.store(canary_.phase(), std::memory_order_release);
  lock.unlock();
  return tell(*event);
}

result<void> CanaryTrial::roll_back(const std::string& by, const std::string& why) {
  std::unique_lock lock(mutex_);
  auto event = canary_.roll_back(by, why, now_ms());
  if (!event) return fail(std::move(event.error()));
  phase_.store(canary_.phase(), std::memory_order_release);
  lock.unlock();
  return tell(*event);
}

result<void> CanaryTrial::restart(const std::string& by, const std::string& why) {
  std::unique_lock lock(mutex_);
  const auto event = canary_.restart(by, why, now_ms());
  begin_round();
  phase_.store(canary_.phase(), std::memory_order_release);
  lock.unlock();
  return tell(event);
}

result<void> CanaryTrial::set_control(std::string control) {
  std::unique_lock lock(mutex_);
  const auto event = canary_.set_control(std::move(control), now_ms());
  if (event) begin_round();
  lock.unlock();
  return event ? tell(*event) : save();
}

result<void> CanaryTrial::tell(const CanaryEvent& event) {
  const auto level = event.kind == CanaryEvent::Kind::rolled_back ? spdlog::level::warn : spdlog::level::info;
  spdlog::log(level, "canary {} {} (by {}, after {:.0f} queries of control and {:.0f} of the variant): {}",
              name_, to_string(event.kind), event.by, event.controls, event.variants, event.why);
  return save();
}

result<void> CanaryTrial::save() {
  const std::lock_guard writer(file_mutex_);
  gateway::CanaryState state;
  {
    const std::lock_guard lock(mutex_);
    state = canary_.state();
  }
  auto written = write_state(file_, gateway::encode_state(state));
  if (!written) {
    save_failures_.fetch_add(1, std::memory_order_relaxed);
    return fail(written.error().code, fmt::format("its state is not kept: {}", written.error().message),
                file_.string());
  }
  return {};
}

CanaryView CanaryTrial::view() const {
  CanaryView view;
  view.name = name_;
  view.control = control_.read();
  view.variant = variant_.read();
  view.save_failures = save_failures_.load(std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  const auto& config = canary_.config().comparison;
  const auto& comparison = canary_.comparison();
  view.phase = canary_.phase();
  view.share = config.share;
  view.margin = config.margin;
  view.alpha = config.alpha;
  view.started_ms = canary_.started_ms();
  view.looks = canary_.looks();
  view.controls = comparison.observed(gateway::Arm::control);
  view.variants = comparison.observed(gateway::Arm::variant);
  for (const auto metric : gateway::kMetrics) view.metrics.push_back(comparison.view(metric));
  view.story = canary_.story();
  return view;
}

}  // namespace sovereign::runtime
