#include "bench/load_generator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <numeric>

#include "bench/load_summary.h"
#include "net/scripted_server.h"

namespace sovereign::bench {
namespace {

using testing::Peer;
using testing::ScriptedServer;

constexpr const char* kHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
constexpr const char* kToken = "data: {\"choices\":[{\"text\":\"x\"}]}\n\n";

std::string ending(int tokens) {
  return fmt::format(
      "data: {{\"choices\":[{{\"text\":\"\",\"finish_reason\":\"length\"}}]}}\n\n"
      "data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":7,\"completion_tokens\":{}}}}}\n\n"
      "data: [DONE]\n\n",
      tokens);
}

LoadOptions options_for(const ScriptedServer& server, std::uint32_t clients) {
  LoadOptions options;
  options.base_url = server.url("");
  options.clients = clients;
  options.timeouts.total = std::chrono::milliseconds(20'000);
  return options;
}

TEST(LoadGenerator, RecordsTokensOfUsageAndGapsOfEvents) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write(std::string(kHead) + kToken + kToken + kToken + ending(5));
  });
  const auto run = run_closed_loop(options_for(server, 2), std::vector<LoadRequest>(6));
  ASSERT_TRUE(run);
  ASSERT_EQ(run->records.size(), 6U);
  for (const auto& record : run->records) {
    EXPECT_EQ(record.error, "");
    EXPECT_EQ(record.output_tokens, 5U) << "two of them joined with others";
    EXPECT_EQ(record.prompt_tokens, 7U);
    EXPECT_EQ(record.gaps_ms.size(), 2U) << "three events";
    EXPECT_GT(record.ttft_ms, 0);
    EXPECT_GE(record.total_ms, record.ttft_ms);
    const double between = std::accumulate(record.gaps_ms.begin(), record.gaps_ms.end(), 0.0);
    EXPECT_NEAR(record.tpot_ms, between / 4, 1e-9);
  }
  EXPECT_GT(run->wall_seconds, 0);
}

TEST(LoadGenerator, AClosedLoopHasAsManyRequestsInFlightAsClients) {
  std::mutex mutex;
  std::condition_variable changed;
  int in_flight = 0;
  int most = 0;
  int started = 0;
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    {
      std::unique_lock lock(mutex);
      most = std::max(most, ++in_flight);
      ++started;
      changed.notify_all();
      // The first three wait for each other: they must all be in flight at once.
      changed.wait(lock, [&] { return started >= 3; });
      --in_flight;
    }
    peer.write(std::string(kHead) + kToken + ending(1));
  });
  const auto run = run_closed_loop(options_for(server, 3), std::vector<LoadRequest>(12));
  ASSERT_TRUE(run);
  for (const auto& record : run->records) EXPECT_EQ(record.error, "");
  EXPECT_EQ(server.accepted(), 12);
  EXPECT_EQ(most, 3);
}

TEST(LoadGenerator, ALateComerWaitsForTheOthersEvents) {
  std::atomic<int> first_events_sent{0};
  std::atomic<bool> late_arrived{false};
  std::atomic<int> sent_before_late{-1};
  ScriptedServer server([&](Peer& peer) {
    if (peer.read_request().find("late") != std::string::npos) {
      sent_before_late = first_events_sent.load();
      late_arrived = true;
      late_arrived.notify_all();
      peer.write(std::string(kHead) + kToken + ending(1));
      return;
    }
    peer.write(kHead);
    peer.write(kToken);
    first_events_sent += 1;
    peer.write(kToken);
    late_arrived.wait(false);  // the streams end only when the late comer is there
    peer.write(ending(2));
  });
  std::vector<LoadRequest> requests(3);
  requests[2].body = "late";
  requests[2].after_events_of_others = 2;
  const auto run = run_closed_loop(options_for(server, 3), requests);
  ASSERT_TRUE(run);
  for (const auto& record : run->records) EXPECT_EQ(record.error, "");
  EXPECT_EQ(sent_before_late, 2);
}

TEST(LoadGenerator, LateComersOnlyIsRefused) {
  LoadRequest late;
  late.after_events_of_others = 1;
  LoadOptions options;
  options.clients = 1;
  EXPECT_FALSE(run_closed_loop(options, {late}));
}

TEST(LoadGenerator, AServerThatRefusesOrBreaksOffIsAnErrorOfTheRequest) {
  ScriptedServer server([](Peer& peer) {
    const std::string request = peer.read_request();
    if (request.find("refuse") != std::string::npos) {
      peer.write("HTTP/1.1 429 No\r\nContent-Length: 4\r\n\r\nbusy");
    } else {
      peer.write(std::string(kHead) + kToken);
    }
  });
  std::vector<LoadRequest> requests(2);
  requests[0].body = "refuse";
  requests[1].body = "break off";
  const auto run = run_closed_loop(options_for(server, 1), requests);
  ASSERT_TRUE(run);
  EXPECT_NE(run->records[0].error.find("429"), std::string::npos);
  EXPECT_NE(run->records[1].error, "");
  LoadSummary summary;
  summary.add(*run);
  EXPECT_EQ(summary.errors().size(), 2U);
  EXPECT_TRUE(summary.ttft_ms()[0].empty());
}

TEST(LoadGenerator, AnAnswerOfAnotherLengthIsAnError) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write(std::string(kHead) + kToken + ending(3));
  });
  std::vector<LoadRequest> requests(2);
  requests[0].expected_output_tokens = 3;
  requests[1].expected_output_tokens = 4;
  const auto run = run_closed_loop(options_for(server, 1), requests);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->records[0].error, "");
  EXPECT_EQ(run->records[1].error, "3 tokens came where 4 were asked for");
}

TEST(LoadGenerator, AnOpenLoopDoesNotWaitForAnswers) {
  // Nobody is answered before all have asked: a closed loop of fewer clients would never end.
  std::mutex mutex;
  std::condition_variable changed;
  int asked = 0;
  constexpr int kRequests = 10;
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    {
      std::unique_lock lock(mutex);
      ++asked;
      changed.notify_all();
      changed.wait(lock, [&] { return asked == kRequests; });
    }
    peer.write(std::string(kHead) + kToken + ending(1));
  });
  const auto run = run_open_loop(options_for(server, 1), std::vector<LoadRequest>(kRequests), 500, 11);
  ASSERT_TRUE(run);
  for (const auto& record : run->records) EXPECT_EQ(record.error, "");
  EXPECT_FALSE(run_open_loop(options_for(server, 1), {}, 0, 1));
}

TEST(LoadGenerator, PoissonGapsHaveTheRateAndTheSpreadOfAPoissonProcess) {
  const auto gaps = poisson_gaps(20'000, 4, 5);
  EXPECT_EQ(gaps, poisson_gaps(20'000, 4, 5));
  const double mean_gap = mean(gaps);
  double variance = 0;
  for (const double gap : gaps)
    variance += (gap - mean_gap) * (gap - mean_gap) / static_cast<double>(gaps.size());
  EXPECT_NEAR(mean_gap, 0.25, 0.01);
  EXPECT_NEAR(variance, 0.0625, 0.005) << "mean squared";
}

TEST(LoadSummary, RatesAndGoodput) {
  LoadRun run;
  run.wall_seconds = 2;
  RequestRecord good;
  good.ttft_ms = 10;
  good.tpot_ms = 5;
  good.total_ms = 100;
  good.output_tokens = 20;
  good.gaps_ms = {5, 5};
  RequestRecord late = good;
  late.ttft_ms = 5000;
  RequestRecord slow = good;
  slow.tpot_ms = 500;
  RequestRecord failed;
  failed.error = "x";
  run.records = {good, late, slow, failed};
  LoadSummary summary;
  summary.add(run, {0, 1, 1e6});
  EXPECT_DOUBLE_EQ(summary.output_tokens_per_second()[0], 30);
  EXPECT_DOUBLE_EQ(summary.requests_per_second()[0], 1.5);
  EXPECT_DOUBLE_EQ(summary.goodput({1000, 50}), 0.5);
  const auto results = summary.results("x");
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(results[3].name, "x e2e");
  EXPECT_DOUBLE_EQ(results[3].qps, 1.5);
  EXPECT_DOUBLE_EQ(results[3].cpu_percent, 50);
  EXPECT_DOUBLE_EQ(results[3].memory_mb, 1);
}

}  // namespace
}  // namespace sovereign::bench
