#include "gateway/llama_backend.h"

#include <gtest/gtest.h>

#include "engine/played_engine.h"

namespace sovereign::gateway {
namespace {

using namespace std::chrono_literals;
using engine::EngineStatus;

class StatusEngine final : public engine::InferenceEngine {
 public:
  explicit StatusEngine(EngineStatus status) : status_(std::move(status)) {}
  result<engine::RequestId> submit(engine::GenerationRequest,
                                   std::shared_ptr<engine::GenerationSink>) override {
    return fail(ErrorCode::unavailable, "not asked here");
  }
  void cancel(engine::RequestId) noexcept override {}
  void drain() noexcept override {}
  bool idle() const noexcept override { return true; }
  EngineStatus status() const override { return status_; }
  void add_metrics(engine::EngineMetrics&) const override {}
  Duration stalled_for(Time) const noexcept override { return {}; }
  std::uint32_t context_tokens() const noexcept override { return 100; }
  std::uint32_t max_queued() const noexcept override { return 100; }

 private:
  EngineStatus status_;
};

// With a gateway, /readyz told nothing of an engine that stood still.
TEST(ProbeEngine, OneThatStandsStillHasFailed) {
  std::atomic<int> alive{0};
  engine::PlayedEngine engine(alive, false);
  EXPECT_EQ(probe_engine(engine, 30s, Time{}).outcome, ProbeOutcome::well);
  engine.stall_for(30s);
  EXPECT_EQ(probe_engine(engine, 30s, Time{}).outcome, ProbeOutcome::well);
  engine.stall_for(31'500ms);
  const auto report = probe_engine(engine, 30s, Time{});
  EXPECT_EQ(report.outcome, ProbeOutcome::failed);
  EXPECT_NE(report.detail.find("31.5 s"), std::string::npos) << report.detail;
  EXPECT_EQ(probe_engine(engine, {}, Time{}).outcome, ProbeOutcome::well) << "it is always waited for";
}

TEST(ProbeEngine, AModelThatIsNotInMemoryIsNotWellYet) {
  using Is = EngineStatus::State;
  const auto outcome = [](EngineStatus status) {
    return probe_engine(StatusEngine(std::move(status)), 30s, Time{});
  };
  EXPECT_EQ(outcome({Is::cold, {}}).outcome, ProbeOutcome::none);
  EXPECT_EQ(outcome({Is::loading, {}}).outcome, ProbeOutcome::loading);
  EXPECT_EQ(outcome({Is::ready, {}}).outcome, ProbeOutcome::well);
  EXPECT_EQ(outcome({Is::failed, "it is damaged"}).outcome, ProbeOutcome::failed);
  EXPECT_EQ(outcome({Is::failed, "it is damaged"}).detail, "it is damaged");
}

}  // namespace
}  // namespace sovereign::gateway
