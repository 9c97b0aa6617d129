// Text completions and embeddings before servers that lack the route, fail, hang and die.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <future>
#include <mutex>

#include "gateway/gateway.h"
#include "gateway/openai/openai_backend.h"
#include "gateway/openai/scripts.h"
#include "gateway/played_backend.h"
#include "gateway/recording_sink.h"
#include "net/event_loops.h"

namespace sovereign::gateway {
namespace {

using std::chrono::milliseconds;
using testing::Peer;
using testing::RecordingSink;
using testing::ScriptedServer;

constexpr const char* kText = R"({"choices":[{"index":0,"text":"Hi","finish_reason":"stop"}]})";
constexpr const char* kOpen = R"({"choices":[{"index":0,"text":"H","finish_reason":null}]})";
constexpr const char* kVectors = R"({"object":"list","data":[{"index":0,"embedding":[0.5]}]})";

// What a server was sent, request by request.
class Seen {
 public:
  void add(std::string request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
};

std::function<void(Peer&)> always(std::string bytes, Seen* seen = nullptr) {
  return [=](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      if (seen != nullptr) seen->add(request);
      peer.write(bytes);
    }
  };
}

class RelaySockets : public ::testing::Test {
 protected:
  void TearDown() override {
    gateway_.reset();
    pool_.join();
  }
  void add(const std::string& name, const ScriptedServer& server, Tier tier, const std::string& model) {
    RemoteConfig remote;
    remote.name = name;
    remote.url = server.url("/v1");
    remote.model = model;
    remote.first_token_timeout = first_token_timeout_;
    remote.token_timeout = milliseconds(100);
    remote.total_timeout = total_timeout_;
    MemberConfig member;
    member.name = name;
    member.model = model;
    member.aliases = {"any"};
    member.tier = tier;
    auto backend = OpenAiBackend::create(remote, loops_);
    ASSERT_TRUE(backend);
    members_.push_back({member, *backend});
  }
  void open() {
    gateway_ = Gateway::create(
        std::move(members_), {}, clock_,
        [this](std::function<void()> job) { boost::asio::post(pool_, std::move(job)); },
        [this](Time when, std::function<void()> job) { loops_.first().run_at(when, std::move(job)); });
  }
  static RouteQuestion question(ApiRoute route, std::string_view model = {}) {
    RouteQuestion asked;
    asked.model = model;
    asked.api = route;
    return asked;
  }
  std::shared_ptr<RecordingSink> ask(const RouteQuestion& asked, bool stream = false,
                                     std::string rest = R"(,"prompt":"Hi"})") {
    auto sink = std::make_shared<RecordingSink>();
    const auto route = gateway_->relay_route(asked);
    if (!route) {
      sink->on_failure(route.error());
      return sink;
    }
    EXPECT_NE(route->remote, nullptr);
    GenerateRequest request;
    request.relay = std::make_shared<const Relay>(Relay{asked.api, std::move(rest), stream});
    request.whole = !stream;
    EXPECT_TRUE(route->remote->generate(std::move(request), sink));
    sink->wait();
    return sink;
  }

  milliseconds first_token_timeout_{5000};
  milliseconds total_timeout_{600'000};
  SteadyClock clock_;
  boost::asio::thread_pool pool_{2};  // the loops post to it
  net::EventLoops loops_{1};
  std::vector<GatewayMember> members_;
  std::shared_ptr<Gateway> gateway_;
};

TEST_F(RelaySockets, TheBodyIsTheClientsWithTheBackendsModel) {
  Seen seen;
  const ScriptedServer server(always(testing::status_answer("200 OK", kText), &seen));
  add("desk", server, Tier::local, "seven-b");
  open();
  const auto sink = ask(question(ApiRoute::completions, "desk"), false, R"(,"prompt":"Hi","odd":[1.50]})");
  EXPECT_EQ(sink->text(), kText);
  EXPECT_TRUE(sink->summary());
  ASSERT_EQ(seen.all().size(), 1U);
  EXPECT_TRUE(seen.all()[0].starts_with("POST /v1/completions HTTP/1.1\r\n")) << seen.all()[0];
  EXPECT_TRUE(seen.all()[0].ends_with(R"({"model":"seven-b","prompt":"Hi","odd":[1.50]})")) << seen.all()[0];
  EXPECT_EQ(gateway_->view()[0].answered, 1U);
  ask(question(ApiRoute::embeddings, "desk"));
  EXPECT_TRUE(seen.all()[1].starts_with("POST /v1/embeddings HTTP/1.1\r\n")) << seen.all()[1];
}

TEST_F(RelaySockets, EventsComeAsTheyAre) {
  const ScriptedServer server(always(testing::stream_head() + testing::chunk_of(kOpen) +
                                     testing::chunk_of(kText) + testing::stream_tail()));
  add("desk", server, Tier::local, "m");
  open();
  const auto sink = ask(question(ApiRoute::completions), true);
  EXPECT_EQ(sink->text(), std::string(kOpen) + kText);
  EXPECT_EQ(sink->deltas(), 2U);
  EXPECT_TRUE(sink->summary());
}

TEST_F(RelaySockets, WhoLacksTheRouteIsPassedOverAndSparedAndNotToBlame) {
  for (const char* status : {"404 Not Found", "405 Method Not Allowed", "501 Not Implemented"}) {
    SCOPED_TRACE(status);
    const ScriptedServer without(always(testing::status_answer(status, R"({"detail":"Not Found"})")));
    const ScriptedServer with(always(testing::status_answer("200 OK", kText)));
    members_.clear();
    add("without", without, Tier::local, "a");
    add("with", with, Tier::pool, "b");
    open();
    for (int i = 0; i < 8; ++i) {
      const auto sink = ask(question(ApiRoute::completions));
      EXPECT_EQ(sink->text(), kText);
    }
    EXPECT_EQ(without.accepted(), 1) << "then it is known";
    EXPECT_EQ(gateway_->view()[0].failed, 0U);
    EXPECT_EQ(gateway_->view()[0].breaker, CircuitBreaker::State::closed);
    const auto named = ask(question(ApiRoute::completions, "without"));
    ASSERT_TRUE(named->failure());
    EXPECT_EQ(named->failure()->code, ErrorCode::unsupported);
    EXPECT_EQ(named->failure()->reason, kRouteMissing);
    EXPECT_TRUE(gateway_->route({.tier = Tier::local})) << "for chats it is as good as ever";
    gateway_.reset();
  }
}

TEST_F(RelaySockets, AMissingModelIsNotAMissingRoute) {
  const ScriptedServer server(
      always(testing::status_answer("404 Not Found", R"({"error":{"message":"model 'm' not found"}})")));
  add("desk", server, Tier::local, "m");
  open();
  EXPECT_EQ(ask(question(ApiRoute::completions, "m"))->failure()->reason, "model_not_found");
  EXPECT_EQ(ask(question(ApiRoute::completions, "m"))->failure()->reason, "model_not_found");
  EXPECT_EQ(ask(question(ApiRoute::completions))->failure()->code, ErrorCode::unavailable);
}

TEST_F(RelaySockets, WhoeverDiesBeforeTheFirstByteIsPassedOver) {
  const ScriptedServer dead([](Peer& peer) { peer.read_request(), peer.reset(); });
  const ScriptedServer good(
      always(testing::stream_head() + testing::chunk_of(kText) + testing::stream_tail()));
  add("dead", dead, Tier::local, "a");
  add("good", good, Tier::pool, "b");
  open();
  const auto sink = ask(question(ApiRoute::completions), true);
  EXPECT_EQ(sink->text(), kText);
  EXPECT_EQ(sink->answered_by(), "b");
  EXPECT_EQ(gateway_->view()[0].failed, 1U);
  EXPECT_EQ(gateway_->view()[0].passed_over, 1U);
}

TEST_F(RelaySockets, DyingInMidStreamIsTold) {
  const ScriptedServer bad([](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() + testing::chunk_of(kOpen));
    peer.reset();
  });
  const ScriptedServer good(always(testing::status_answer("200 OK", kText)));
  add("bad", bad, Tier::local, "a");
  add("good", good, Tier::pool, "b");
  open();
  const auto sink = ask(question(ApiRoute::completions), true);
  ASSERT_TRUE(sink->failure());
  EXPECT_EQ(sink->failure()->reason, "backend_broke_off");
  EXPECT_EQ(good.accepted(), 0);
}

TEST_F(RelaySockets, AFullBackendRestsAndItsRetryAfterIsTold) {
  const ScriptedServer full(always(testing::status_answer("429 Slow down", "", "Retry-After: 7\r\n")));
  add("full", full, Tier::local, "a");
  open();
  const auto sink = ask(question(ApiRoute::completions));
  EXPECT_EQ(sink->failure()->code, ErrorCode::resource_exhausted);
  EXPECT_EQ(sink->failure()->retry_after, std::chrono::seconds(7));
  EXPECT_FALSE(gateway_->relay_route(question(ApiRoute::completions))) << "it rests";
}

TEST_F(RelaySockets, AWholeTextMayTakeLongerThanAFirstToken) {
  first_token_timeout_ = milliseconds(50);
  total_timeout_ = milliseconds(2000);
  std::atomic<bool> hangs{false};
  std::promise<void> asked;
  std::promise<void> waited;
  const ScriptedServer slow([&](Peer& peer) {
    const bool is_text = peer.read_request().find("/v1/completions") != std::string::npos;
    if (hangs || !is_text) return peer.wait_for_close();
    asked.set_value();
    waited.get_future().wait();
    peer.write(testing::status_answer("200 OK", kText));
    peer.wait_for_close();
  });
  add("slow", slow, Tier::local, "a");
  open();
  auto text = std::async(std::launch::async, [&] { return ask(question(ApiRoute::completions)); });
  asked.get_future().wait();
  // Asked later, given up sooner: by then the text has waited longer than a first token may.
  EXPECT_EQ(ask(question(ApiRoute::embeddings))->failure()->reason, "backend_timeout");
  waited.set_value();
  EXPECT_EQ(text.get()->text(), kText);
  hangs = true;
  EXPECT_EQ(ask(question(ApiRoute::completions))->failure()->reason, "backend_timeout");
}

TEST_F(RelaySockets, VectorsComeFromOneModel) {
  Seen seen;
  const ScriptedServer dead([](Peer& peer) { peer.read_request(), peer.reset(); });
  const ScriptedServer twin(always(testing::status_answer("200 OK", kVectors), &seen));
  const ScriptedServer other(always(testing::status_answer("200 OK", kVectors)));
  add("first", dead, Tier::edge, "bge");
  add("other", other, Tier::local, "nomic");
  add("twin", twin, Tier::pool, "bge");
  open();
  for (const char* model : {"", "any", "bge"}) {
    EXPECT_EQ(ask(question(ApiRoute::embeddings, model))->text(), kVectors) << model;
  }
  for (const auto& request : seen.all()) EXPECT_NE(request.find(R"("model":"bge")"), std::string::npos);
  EXPECT_EQ(seen.all().size(), 3U);
  EXPECT_EQ(other.accepted(), 0);
  EXPECT_EQ(ask(question(ApiRoute::embeddings, "nomic"))->text(), kVectors);
}

// Else it would depend on a breaker which vectors a client gets.
TEST_F(RelaySockets, AnotherModelDoesNotStandInForOneThatIsDown) {
  const ScriptedServer dead([](Peer& peer) { peer.read_request(), peer.reset(); });
  const ScriptedServer other(always(testing::status_answer("200 OK", kText)));
  add("dead", dead, Tier::edge, "bge");
  add("other", other, Tier::local, "nomic");
  members_[0].config.breaker.consecutive_failures = 1;
  open();
  EXPECT_EQ(ask(question(ApiRoute::embeddings))->failure()->code, ErrorCode::unavailable);
  EXPECT_EQ(gateway_->view()[0].breaker, CircuitBreaker::State::open);
  const auto down = ask(question(ApiRoute::embeddings));
  EXPECT_EQ(down->failure()->code, ErrorCode::unavailable);
  EXPECT_TRUE(down->failure()->retry_after);
  EXPECT_EQ(other.accepted(), 0);
  EXPECT_EQ(ask(question(ApiRoute::completions))->text(), kText) << "texts may come from anybody";
}

TEST_F(RelaySockets, VectorsOfTheNextModelOnceTheFirstHasNoSuchRoute) {
  const ScriptedServer without(always(testing::status_answer("501 Not Implemented", "")));
  const ScriptedServer with(always(testing::status_answer("200 OK", kVectors)));
  add("without", without, Tier::edge, "chatty");
  add("with", with, Tier::local, "nomic");
  open();
  EXPECT_EQ(ask(question(ApiRoute::embeddings))->failure()->reason, kRouteMissing)
      << "the route is planned anew";
  EXPECT_EQ(ask(question(ApiRoute::embeddings))->text(), kVectors);
  EXPECT_EQ(without.accepted(), 1);
}

TEST_F(RelaySockets, RequireLocalOpensNoSocket) {
  const ScriptedServer server(always(testing::status_answer("200 OK", kText)));
  const auto here = std::make_shared<testing::PlayedBackend>("here");
  MemberConfig member;
  member.name = "here";
  member.embedded = true;
  members_.push_back({member, here});
  add("desk", server, Tier::local, "a");
  open();
  for (const auto api : {ApiRoute::completions, ApiRoute::embeddings}) {
    auto local = question(api);
    local.require_local = true;
    const auto route = gateway_->relay_route(local);
    ASSERT_TRUE(route);
    EXPECT_EQ(route->embedded, "here");
    EXPECT_EQ(route->remote, nullptr);
    local.model = "desk";
    EXPECT_EQ(gateway_->relay_route(local).error().reason, "require_local");
  }
  EXPECT_EQ(server.accepted(), 0);
}

TEST_F(RelaySockets, TheModelHereComesInItsPlaceAndForTextsAlone) {
  const ScriptedServer server(always(testing::status_answer("200 OK", kText)));
  const auto here = std::make_shared<testing::PlayedBackend>("here");
  MemberConfig member;
  member.name = "here";
  member.embedded = true;
  members_.push_back({member, here});
  add("desk", server, Tier::local, "a");
  add("rack", server, Tier::pool, "b");
  open();
  auto local = question(ApiRoute::completions);
  local.tier = Tier::local;
  auto route = gateway_->relay_route(local);
  EXPECT_NE(route->remote, nullptr);
  EXPECT_EQ(route->embedded, "here");
  EXPECT_EQ(gateway_->relay_route(question(ApiRoute::completions, "desk"))->embedded, "");
  local.api = ApiRoute::embeddings;
  EXPECT_EQ(gateway_->relay_route(local)->embedded, "") << "its vectors are others";
  EXPECT_EQ(gateway_->relay_route(question(ApiRoute::completions))->remote, nullptr) << "it is the first";
}

}  // namespace
}  // namespace sovereign::gateway
