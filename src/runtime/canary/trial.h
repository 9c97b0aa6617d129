// The canary that this server runs: the pure state machine (gateway/canary/canary.h) behind a lock, with its
// story in the log and its state in a file.
//
// What ends or begins a trial takes effect at once, and is on the disk before whoever wanted it is answered:
// a variant that was said to be rolled back stays so however the process ends. What was compared is written
// every few seconds and at the end: after a crash the last seconds are compared anew, which makes no verdict
// easier.
// Thread-safe. observe() and the administration may wait for the disk: worker threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/append_file.h"
#include "base/clock.h"
#include "base/result.h"
#include "gateway/canary/canary.h"

namespace sovereign::runtime {

// What happened to the queries of one arm.
struct ArmCounts {
  std::uint64_t answered = 0;  // by computing
  std::uint64_t failed = 0;
  std::uint64_t left = 0;  // whose client left before the end
  std::uint64_t uncounted =
      0;  // found in the cache, shared, wrong in themselves, or begun in an earlier trial
  std::uint64_t taken_over = 0;  // of the variant: failed before its first token, and control was asked
};

struct CanaryView {
  std::string name;
  gateway::CanaryPhase phase{};
  double share = 0;
  double margin = 0;
  double alpha = 0;
  std::int64_t started_ms = 0;
  double looks = 0;
  double controls = 0;  // compared
  double variants = 0;
  ArmCounts control;  // since this process began
  ArmCounts variant;
  std::uint64_t save_failures = 0;
  std::vector<gateway::MetricView> metrics;
  std::vector<gateway::CanaryEvent> story;
};

class CanaryTrial {
 public:
  // Goes on where the file says that this configuration was; without a file, or after another configuration,
  // it begins. A file that cannot be read could be a rolled-back canary's: the trial is rolled back until
  // somebody restarts it. The folder exists. Errors: unavailable (another process has the file),
  // permission_denied, internal.
  static result<std::unique_ptr<CanaryTrial>> open(gateway::CanaryConfig config, std::filesystem::path file);
  ~CanaryTrial();
  CanaryTrial(const CanaryTrial&) = delete;
  CanaryTrial& operator=(const CanaryTrial&) = delete;

  const std::string& name() const { return name_; }
  gateway::CanaryPhase phase() const { return phase_.load(std::memory_order_acquire); }
  gateway::Arm arm_for(std::uint64_t unit) const;

  // Counts the trials that this process has begun: what began in one says nothing in the next.
  std::uint64_t round() const { return round_.load(std::memory_order_acquire); }
  // `round`: when the query began.
  void observe(const gateway::Observation& observation, std::uint64_t round);
  // Of a query whose client left, or was told that its time is over. Waits for no disk: it is compared when
  // observe() is given the next.
  void note_left(const gateway::Observation& observation, std::uint64_t round);
  void count_uncounted(gateway::Arm arm);
  void count_taken_over();

  // Errors: already_exists; internal when it is so, but not on the disk.
  result<void> promote(const std::string& by, const std::string& why);
  result<void> roll_back(const std::string& by, const std::string& why);
  result<void> restart(const std::string& by, const std::string& why);
  // After a reload: what control answers with (CanaryConfig::control).
  result<void> set_control(std::string control);

  CanaryView view() const;

 private:
  struct AtomicCounts {
    std::atomic<std::uint64_t> answered{0};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> left{0};
    std::atomic<std::uint64_t> uncounted{0};
    std::atomic<std::uint64_t> taken_over{0};
    ArmCounts read() const;
  };

  CanaryTrial(gateway::Canary canary, std::filesystem::path file, AppendFile lock);
  AtomicCounts& counts(gateway::Arm arm) { return arm == gateway::Arm::control ? control_ : variant_; }
  result<void> tell(const gateway::CanaryEvent& event);
  result<void> save();
  // With mutex_: another trial begins.
  void begin_round();

  const std::string name_;
  const std::filesystem::path file_;
  const AppendFile lock_;  // held, so that two servers do not write one file
  std::atomic<gateway::CanaryPhase> phase_;
  mutable std::mutex mutex_;
  gateway::Canary canary_;                  // guarded by mutex_
  Time saved_{};                            // guarded by mutex_
  std::vector<gateway::Observation> left_;  // guarded by mutex_: noted, not compared yet
  std::atomic<std::uint64_t> round_{0};     // written with mutex_
  std::mutex file_mutex_;                   // one writer; taken before mutex_
  std::atomic<std::uint64_t> save_failures_{0};
  AtomicCounts control_;
  AtomicCounts variant_;
};

}  // namespace sovereign::runtime
