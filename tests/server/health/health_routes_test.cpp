#include "server/health/health_routes.h"

#include <gtest/gtest.h>

#include "support/memory_exchange.h"

namespace sovereign::server {
namespace {

class HealthRoutes : public testing::Test {
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

}  // namespace
}  // namespace sovereign::server
