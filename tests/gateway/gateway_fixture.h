// Three backends behind a gateway, under a clock that stands still; jobs and alarms run when the test says
// so.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "gateway/gateway.h"
#include "gateway/played_backend.h"
#include "gateway/recording_sink.h"

namespace sovereign::testing {

class GatewayFixture : public ::testing::Test {
 protected:
  void make(std::uint32_t max_concurrency = 0, std::uint32_t max_queued = 0) {
    std::vector<gateway::GatewayMember> members;
    for (const auto& [name, tier] : {std::pair{"edge", gateway::Tier::edge},
                                     {"desk", gateway::Tier::local},
                                     {"rack", gateway::Tier::pool}}) {
      gateway::MemberConfig config;
      config.name = name;
      config.tier = tier;
      config.embedded = tier == gateway::Tier::edge;
      config.max_concurrency = max_concurrency;
      config.max_queued = max_queued;
      backends_.push_back(std::make_shared<PlayedBackend>(name));
      members.push_back({std::move(config), backends_.back()});
    }
    gateway_ = gateway::Gateway::create(
        std::move(members), {}, clock_,
        [this](std::function<void()> job) { jobs_.push_back(std::move(job)); },
        [this](Time when, std::function<void()> job) { alarms_.emplace(when, std::move(job)); });
  }
  void SetUp() override { make(); }
  // A generation without an end holds the gateway, which holds its backend.
  void TearDown() override {
    run_jobs();
    for (bool more = true; more;) {
      more = false;
      for (const auto& backend : backends_) {
        while (backend->waiting() > 0) {
          backend->take().end();
          run_jobs();
          more = true;
        }
      }
    }
  }
  void remake(std::uint32_t max_concurrency, std::uint32_t max_queued) {
    backends_.clear();
    make(max_concurrency, max_queued);
  }

  struct Asked {
    std::shared_ptr<gateway::Backend> route;
    std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
    std::uint64_t id = 0;
  };
  Asked ask(gateway::RouteQuestion question = {.tier = gateway::Tier::edge},
            gateway::GenerateRequest request = {}) {
    Asked asked;
    auto route = gateway_->route(question);
    EXPECT_TRUE(route) << route.error().message;
    asked.route = *route;
    asked.id = *asked.route->generate(std::move(request), asked.sink);
    run_jobs();
    return asked;
  }
  void run_jobs() {
    while (!jobs_.empty()) {
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      job();
    }
  }
  // Time passes, and alarms ring.
  void pass(Duration time) {
    clock_.advance(time);
    while (!alarms_.empty() && alarms_.begin()->first <= clock_.now()) {
      const auto job = std::move(alarms_.begin()->second);
      alarms_.erase(alarms_.begin());
      job();
      run_jobs();
    }
  }
  PlayedBackend& edge() { return *backends_[0]; }
  PlayedBackend& desk() { return *backends_[1]; }
  PlayedBackend& rack() { return *backends_[2]; }
  gateway::MemberView view(std::size_t member) { return gateway_->view()[member]; }

  ManualClock clock_;
  std::deque<std::function<void()>> jobs_;
  std::multimap<Time, std::function<void()>> alarms_;
  std::vector<std::shared_ptr<PlayedBackend>> backends_;
  std::shared_ptr<gateway::Gateway> gateway_;
};

}  // namespace sovereign::testing
