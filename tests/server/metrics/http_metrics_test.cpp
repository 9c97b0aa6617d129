#include "server/metrics/http_metrics.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/metrics/process_stats.h"
#include "support/memory_exchange.h"

namespace sovereign::server {
namespace {

asio::awaitable<void> answer(Exchange& exchange, unsigned status) {
  HttpResponse response;
  response.status = status;
  co_await exchange.respond(std::move(response));
}

asio::awaitable<void> stream(Exchange& exchange) {
  // Named: GCC 12 fails on a list of initializers within co_await.
  std::vector<std::string> events{"a"};
  co_await exchange.begin_events();
  co_await exchange.send_events(std::move(events));
  co_await exchange.end_events();
}

asio::awaitable<void> say_nothing(Exchange&) { co_return; }

TEST(HttpMetrics, CountsWhatHandlersAnswer) {
  ManualClock clock;
  HttpMetrics metrics;
  auto& route = metrics.add_route("GET", "/x/{}");
  const auto run = [&](Handler handler) {
    MemoryExchange exchange({.method = "GET", .path = "/x/1"});
    exchange.run(metered(route, clock, std::move(handler)));
  };
  run([](Exchange& exchange) { return answer(exchange, 200); });
  run([](Exchange& exchange) { return answer(exchange, 404); });
  run(stream);
  run(say_nothing);
  EXPECT_EQ(route.requests(200), 2u);
  EXPECT_EQ(route.requests(404), 1u);
  EXPECT_EQ(route.requests(kClientClosedRequest), 1u);
  EXPECT_EQ(route.in_flight(), 0);
  EXPECT_EQ(route.seconds().count(), 4u);

  PrometheusText text;
  metrics.write(text);
  const auto page = text.take();
  EXPECT_NE(page.find("sovereign_http_requests_total{method=\"GET\",route=\"/x/{}\",status=\"404\"} 1\n"),
            std::string::npos)
      << page;
}

TEST(ProcessStats, KnowsThisProcess) {
  const auto stats = read_process_stats();
  ASSERT_TRUE(stats.has_value()) << stats.error().message;
  EXPECT_GT(stats->resident_bytes, 100'000u);
  EXPECT_GE(stats->virtual_bytes, stats->resident_bytes);
  EXPECT_GE(stats->open_fds, 3u);
  EXPECT_GT(stats->start_time_seconds, 1'500'000'000.0);
}

}  // namespace
}  // namespace sovereign::server
