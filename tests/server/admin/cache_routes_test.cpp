// The cache's administration, without sockets.
#include "server/admin/cache_routes.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "runtime/result_codec.h"
#include "server/openai/chat_memo.h"
#include "support/memory_exchange.h"

namespace sovereign::server {
namespace {

class CacheRoutesTest : public ::testing::Test {
 protected:
  CacheRoutesTest() {
    openai::ApiContext api{serving_, workers_, clock_, metrics_, {}, pipeline_, &cache_, &memo_};
    add_cache_routes(router_, api, pool_);
  }
  HttpResponse call(const std::string& method, const std::string& path) {
    auto match = router_.match(method, path);
    EXPECT_NE(match.handler, nullptr) << method << " " << path;
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.path_parameters = std::move(match.path_parameters);
    MemoryExchange exchange(std::move(request));
    exchange.run(*match.handler);
    return exchange.response().value_or(HttpResponse{});
  }
  // Puts an answer, and remembers a body that leads to it.
  cache::Hash128 keep(const engine::ChatMessage& message) {
    runtime::SovereignResult result;
    result.choices.emplace_back().message = message;
    cache_.put(key_, runtime::encode_result(result), cache::wall_now());
    memo_.remember(kBody, identity_, {}, {}, key_);
    return key_.hash();
  }
  bool remembers() { return memo_.find(kBody, identity_, {}).has_value(); }

  static constexpr std::string_view kBody = R"({"messages":[]})";
  const cache::QueryKey key_{cache::hash128("key"), "key"};
  const gateway::BackendIdentity identity_{"model", "fp", "sha256:00", false};
  SteadyClock clock_;
  HttpMetrics metrics_;
  openai::ServingSlot serving_;
  openai::PipelineSlot pipeline_;
  WorkerPool workers_{1};
  WorkerPool pool_{1};
  cache::ResponseCache cache_{{}};
  openai::ChatMemo memo_{1 << 20};
  Router router_;
};

// Bodies, which hold the questions, outlived the answers.
TEST_F(CacheRoutesTest, ClearingForgetsTheQuestionsToo) {
  keep({"Blue.", "", {}});
  ASSERT_TRUE(remembers());
  EXPECT_EQ(call("DELETE", "/admin/cache").status, 204u);
  EXPECT_FALSE(remembers());
  EXPECT_EQ(cache_.stats().memory.entries, 0u);
  const auto hash = keep({"Blue.", "", {}});
  EXPECT_EQ(call("DELETE", "/admin/cache/" + cache::to_hex(hash)).status, 204u);
  EXPECT_FALSE(remembers());
  EXPECT_EQ(call("GET", "/admin/cache/" + cache::to_hex(hash)).status, 404u);
}

TEST_F(CacheRoutesTest, AnAnswerIsShown) {
  const auto hash = keep({"Blue.", "", {}});
  const auto text = boost::json::parse(call("GET", "/admin/cache/" + cache::to_hex(hash)).body);
  EXPECT_EQ(text.at("answers").at(0).as_string(), "Blue.");
  // It was shown as nothing.
  keep({"", "", {{"1", "weather", R"({"city":"Oslo"})"}, {"2", "time", "{}"}}});
  const auto calls = boost::json::parse(call("GET", "/admin/cache/" + cache::to_hex(hash)).body);
  EXPECT_EQ(calls.at("answers").at(0).as_string(), "weather({\"city\":\"Oslo\"})\ntime({})");
}

}  // namespace
}  // namespace sovereign::server
