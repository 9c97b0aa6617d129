#include "server/health/health_routes.h"

#include <gtest/gtest.h>

#include "gateway/played_backend.h"
#include "support/memory_exchange.h"

namespace sovereign::server {
namespace {

class HealthRoutes : public ::testing::Test {
 protected:
  HttpResponse get(const std::string& path) {
    const auto match = router_.match("GET", path);
    MemoryExchange exchange({.method = "GET", .path = path});
    exchange.run(*match.handler);
    return exchange.response().value();
  }
  void SetUp() override {
    add_health_routes(router_, {ready_, clock_, [this](Time) { return stalled_; }, std::chrono::seconds(30)});
  }

  ReadyState ready_;
  ManualClock clock_;
  Duration stalled_{};
  Router router_;
};

TEST_F(HealthRoutes, AliveWhateverHappens) {
  stalled_ = std::chrono::hours(1);
  EXPECT_EQ(get("/healthz").status, 200u);
  ready_.set_draining();
  EXPECT_EQ(get("/healthz").status, 200u);
}

TEST_F(HealthRoutes, ReadyFollowsTheServersLife) {
  EXPECT_EQ(get("/readyz").status, 503u);
  EXPECT_EQ(get("/readyz").body, R"({"status":"loading"})");
  ready_.set_ready();
  EXPECT_EQ(get("/readyz").status, 200u);
  EXPECT_EQ(get("/readyz").body, R"({"status":"ready"})");
  ready_.set_draining();
  EXPECT_EQ(get("/readyz").status, 503u);
  EXPECT_EQ(get("/readyz").body, R"({"status":"draining"})");
  ready_.set_ready();  // too late
  EXPECT_EQ(get("/readyz").body, R"({"status":"draining"})");
}

TEST_F(HealthRoutes, AnEngineThatStandsStillIsNotReady) {
  ready_.set_ready();
  stalled_ = std::chrono::seconds(30);
  EXPECT_EQ(get("/readyz").status, 200u);
  stalled_ = std::chrono::milliseconds(31'500);
  EXPECT_EQ(get("/readyz").status, 503u);
  EXPECT_EQ(get("/readyz").body, R"({"status":"stalled","stalled_seconds":31.5})");
}

// With a gateway it was never looked for.
TEST_F(HealthRoutes, AnEngineThatStandsStillIsOfflineBehindAGatewayToo) {
  const auto embedded = std::make_shared<sovereign::testing::PlayedBackend>("own");
  const auto remote = std::make_shared<sovereign::testing::PlayedBackend>("there");
  const auto member = [](std::string name, gateway::Tier tier) {
    gateway::MemberConfig config;
    config.name = std::move(name);
    config.tier = tier;
    config.embedded = tier == gateway::Tier::edge;
    return config;
  };
  const auto ready_with = [&](std::vector<gateway::GatewayMember> members) {
    std::shared_ptr<const gateway::Gateway> gateway = gateway::Gateway::create(
        std::move(members), {}, clock_, [](const std::function<void()>& job) { job(); },
        [](Time, const std::function<void()>&) {});
    HealthSources sources{ready_, clock_, [](Time) { return Duration{}; }, std::chrono::seconds(30)};
    sources.gateway = [gateway] { return gateway; };
    return readiness(sources);
  };
  const gateway::GatewayMember own{member("own", gateway::Tier::edge), embedded};
  const gateway::GatewayMember there{member("there", gateway::Tier::pool), remote};
  EXPECT_EQ(ready_with({own}).status, 200U);
  embedded->probes_say({gateway::ProbeOutcome::failed, "it stands still", {}});
  const auto alone = ready_with({own});
  EXPECT_EQ(alone.status, 503U);
  EXPECT_NE(alone.body.find(R"("status":"offline")"), std::string::npos) << alone.body;
  EXPECT_EQ(ready_with({own, there}).status, 200U) << "the other may answer";
}

}  // namespace
}  // namespace sovereign::server
