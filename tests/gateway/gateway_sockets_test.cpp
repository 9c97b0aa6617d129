// The gateway before servers that hang, reset, send garbage, slow down and die in mid-stream.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

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
using testing::PlayedBackend;
using testing::RecordingSink;
using testing::ScriptedServer;

class GatewaySockets : public ::testing::Test {
 protected:
  void TearDown() override {
    gateway_.reset();
    pool_.join();
  }
  void add(const std::string& name, const ScriptedServer& server, Tier tier,
           milliseconds first_token_timeout = milliseconds(5000),
           const std::optional<std::string>& model = std::nullopt) {
    RemoteConfig remote;
    remote.name = name;
    remote.url = server.url("/v1");
    remote.model = model.value_or("m-" + name);
    remote.first_token_timeout = first_token_timeout;
    remote.token_timeout = milliseconds(100);
    MemberConfig member;
    member.name = name;
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
  std::shared_ptr<RecordingSink> ask(const RouteQuestion& question = {.tier = Tier::local}) {
    auto sink = std::make_shared<RecordingSink>();
    const auto route = gateway_->route(question);
    EXPECT_TRUE(route) << route.error().message;
    if (!route) return sink;
    GenerateRequest request;
    request.input.messages_json = R"([{"role":"user","content":"Hi"}])";
    (*route)->generate(std::move(request), sink);
    sink->wait();
    return sink;
  }

  SteadyClock clock_;
  boost::asio::thread_pool pool_{2};  // the loops post to it
  net::EventLoops loops_{1};
  std::vector<GatewayMember> members_;
  std::shared_ptr<Gateway> gateway_;
};

TEST_F(GatewaySockets, WhateverIsWrongWithTheFirstTheSecondAnswers) {
  const std::vector<std::pair<std::string, std::function<void(Peer&)>>> faults = {
      {"resets", [](Peer& peer) { peer.read_request(), peer.reset(); }},
      {"closes", [](Peer& peer) { peer.read_request(); }},
      {"sends garbage", [](Peer& peer) { peer.read_request(), peer.write("\x16\x03\x01garbage\r\n\r\n"); }},
      {"hangs", [](Peer& peer) { peer.read_request(), peer.wait_for_close(); }},
      {"hangs after its headers",
       [](Peer& peer) { peer.read_request(), peer.write(testing::stream_head()), peer.wait_for_close(); }},
      {"has an error",
       [](Peer& peer) { peer.read_request(), peer.write(testing::status_answer("500 Oops", "boom")); }},
      {"is loading",
       [](Peer& peer) { peer.read_request(), peer.write(testing::status_answer("503 Loading", "")); }},
      {"is overloaded",
       [](Peer& peer) { peer.read_request(), peer.write(testing::status_answer("429 Slow down", "")); }},
      {"ends before its first token",
       [](Peer& peer) { peer.read_request(), peer.write(testing::stream_head() + "0\r\n\r\n"); }},
      {"says [DONE] and nothing else",
       [](Peer& peer) {
         peer.read_request();
         peer.write(testing::stream_head() + testing::stream_tail());
       }},
      {"aborts before its first token",
       [](Peer& peer) {
         peer.read_request();
         peer.write(testing::stream_head() + testing::finish_event("abort") + testing::stream_tail());
       }},
      {"says an error first",
       [](Peer& peer) {
         peer.read_request();
         peer.write(testing::stream_head() + testing::chunk_of(R"({"error":{"message":"no"}})"));
       }},
  };
  for (const auto& [name, fault] : faults) {
    SCOPED_TRACE("the first " + name);
    const ScriptedServer bad(fault);
    const ScriptedServer good(testing::answer_well);
    members_.clear();
    add("bad", bad, Tier::local, milliseconds(100));
    add("good", good, Tier::pool);
    open();
    const auto sink = ask();
    EXPECT_FALSE(sink->failure()) << sink->failure()->message;
    EXPECT_EQ(sink->text(), "Hello world");
    EXPECT_EQ(sink->answered_by(), "m-good");
    EXPECT_GE(bad.accepted(), 1);
    gateway_.reset();
  }
}

TEST_F(GatewaySockets, DyingInMidStreamIsTold) {
  const ScriptedServer bad([](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() + testing::content_event("Hel"));
    peer.reset();
  });
  const ScriptedServer good(testing::answer_well);
  add("bad", bad, Tier::local);
  add("good", good, Tier::pool);
  open();
  const auto sink = ask();
  ASSERT_TRUE(sink->failure());
  EXPECT_EQ(sink->failure()->reason, "backend_broke_off");
  EXPECT_EQ(good.accepted(), 0);
}

TEST_F(GatewaySockets, AServerThatSlowsDownInMidStreamIsGivenUp) {
  const ScriptedServer slow([](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() + testing::content_event("Hel"));
    peer.wait_for_close();
  });
  add("slow", slow, Tier::local);
  open();
  EXPECT_EQ(ask()->failure()->reason, "backend_broke_off");
}

TEST_F(GatewaySockets, ADeadFirstChoiceIsSparedOnceItsBreakerIsOpen) {
  const ScriptedServer dead([](Peer& peer) { peer.read_request(), peer.reset(); });
  const ScriptedServer good(testing::answer_well);
  add("dead", dead, Tier::local);
  add("good", good, Tier::pool);
  open();
  for (int i = 0; i < 12; ++i) EXPECT_EQ(ask()->text(), "Hello world");
  EXPECT_EQ(dead.accepted(), 5);
  EXPECT_EQ(gateway_->view()[0].status, BackendStatus::offline);
  EXPECT_EQ(gateway_->view()[1].answered, 12U);
}

TEST_F(GatewaySockets, ARouteKnowsTheModelThatAServerHasAndTellsWhenItChanged) {
  testing::ChangingModel there("before");
  const ScriptedServer server(there.script());
  add("desk", server, Tier::local, milliseconds(5000), "");
  open();
  const auto identity = [&] { return (*gateway_->route({.tier = Tier::local}))->identity(); };
  EXPECT_FALSE(identity().settled) << "nobody has asked it yet";
  EXPECT_EQ(ask()->answered_by(), "before");
  EXPECT_TRUE(identity().settled);
  EXPECT_EQ(identity().model, "before");
  EXPECT_EQ(ask()->answered_by(), "") << "as planned";
  const auto old = identity();
  there.change_to("after");
  EXPECT_EQ(ask()->answered_by(), "after") << "else it would be kept as the old one's answer";
  EXPECT_EQ(identity().model, "after");
  EXPECT_NE(identity().digest, old.digest);
}

// A network that would notice: every server counts its connections.
TEST_F(GatewaySockets, RequireLocalOpensNoSocket) {
  const ScriptedServer local_tier(testing::answer_well);
  const ScriptedServer pool_tier(testing::answer_well);
  const auto embedded = std::make_shared<PlayedBackend>("embedded");
  MemberConfig member;
  member.name = "embedded";
  member.tier = Tier::edge;
  member.embedded = true;
  members_.push_back({member, embedded});
  add("local", local_tier, Tier::local);
  add("pool", pool_tier, Tier::pool);
  open();
  // However hard the query, and even when the embedded model fails again and again.
  for (int i = 0; i < 20; ++i) {
    const auto route = gateway_->route({.require_local = true, .complexity = 100});
    if (!route) {
      EXPECT_EQ(route.error().code, ErrorCode::unavailable);
      continue;
    }
    const auto sink = std::make_shared<RecordingSink>();
    (*route)->generate({}, sink);
    embedded->take().fail();
    sink->wait();
    EXPECT_TRUE(sink->failure());
  }
  EXPECT_EQ(embedded->asked(), 5U) << "then its breaker opened";
  EXPECT_EQ(local_tier.accepted(), 0);
  EXPECT_EQ(pool_tier.accepted(), 0);
  // The same network is noticed when it may be used.
  EXPECT_EQ(ask({.tier = Tier::pool})->text(), "Hello world");
  EXPECT_EQ(pool_tier.accepted(), 1);
}

TEST_F(GatewaySockets, ProbesFindTheDeadBeforeQueriesDo) {
  std::string url;
  {
    const ScriptedServer gone([](Peer&) {});
    add("gone", gone, Tier::local);
  }
  const ScriptedServer good(testing::answer_well);
  add("good", good, Tier::pool);
  members_[0].config.breaker.consecutive_failures = 1;
  open();
  EXPECT_EQ(gateway_->view()[0].status, BackendStatus::cold);
  gateway_->probe();
  const auto known = [&] {
    const auto view = gateway_->view();
    return view[0].status != BackendStatus::cold && view[1].status != BackendStatus::cold;
  };
  while (!known()) std::this_thread::yield();
  EXPECT_EQ(gateway_->view()[0].status, BackendStatus::offline);
  EXPECT_EQ(gateway_->view()[0].breaker, CircuitBreaker::State::open);
  EXPECT_EQ(gateway_->view()[1].status, BackendStatus::ready);
  EXPECT_EQ(gateway_->view()[1].offers, (std::vector<std::string>{"listed", "other"}));
  const auto route = gateway_->route({.tier = Tier::local});
  ASSERT_TRUE(route);
  EXPECT_EQ((*route)->identity().model, "m-good");
}

}  // namespace
}  // namespace sovereign::gateway
