#include "gateway/gateway.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <map>
#include <random>

#include "gateway/gateway_fixture.h"
#include "net/event_loop.h"

namespace sovereign::gateway {
namespace {

using std::chrono::seconds;
using testing::PlayedBackend;
using testing::RecordingSink;

class GatewayTest : public testing::GatewayFixture {};

TEST_F(GatewayTest, TheFirstChoiceAnswers) {
  const auto asked = ask();
  EXPECT_EQ(asked.route->identity().model, "edge");
  EXPECT_EQ(asked.route->identity().tier, Tier::edge);
  EXPECT_FALSE(asked.route->owns_engine()) << "whoever it leads to";
  edge().take().answer("Hi");
  EXPECT_EQ(asked.sink->text(), "Hi");
  EXPECT_TRUE(asked.sink->summary());
  EXPECT_EQ(asked.sink->answered_by(), "") << "nobody else did";
  EXPECT_EQ(desk().asked(), 0U);
  EXPECT_EQ(view(0).answered, 1U);
  EXPECT_EQ(view(0).running, 0U);
}

TEST_F(GatewayTest, WhoRefusesIsPassedOverUnseen) {
  edge().refuse_with(Failure(ErrorCode::unavailable, "down"));
  const auto asked = ask();
  desk().take().answer("Hi");
  EXPECT_EQ(asked.sink->text(), "Hi");
  EXPECT_EQ(asked.sink->answered_by(), "desk");
  EXPECT_EQ(view(0).passed_over, 1U);
}

TEST_F(GatewayTest, WhoWaitedTooLongForItsTurnThereIsPassedOnAndNobodyIsToBlame) {
  const auto asked = ask();
  Failure waited(ErrorCode::deadline_exceeded, "it waited");
  waited.blameless = true;
  edge().take().sink->on_failure(waited);
  run_jobs();
  EXPECT_EQ(view(0).failed, 0U);
  desk().take().answer("Hi");
  EXPECT_EQ(asked.sink->text(), "Hi");
}

TEST_F(GatewayTest, WhoFailsBeforeTheFirstTokenIsPassedOverUnseen) {
  const auto asked = ask();
  const auto call = edge().take();
  call.sink->on_begin(nullptr);
  EXPECT_FALSE(asked.sink->begun()) << "a beginning is no token";
  call.fail();
  run_jobs();
  const auto second = desk().take();
  second.fail(ErrorCode::deadline_exceeded);
  run_jobs();
  rack().take().answer("Hi");
  EXPECT_EQ(asked.sink->text(), "Hi");
  EXPECT_EQ(asked.sink->answered_by(), "rack");
  EXPECT_EQ(asked.sink->answered_in(), Tier::pool);
}

// With request_timeout <= first_token_timeout a server that hangs was never blamed, and the next never asked.
TEST_F(GatewayTest, WhoIsSilentLeavesHalfTheTimeToTheNext) {
  const auto asked = ask({.tier = Tier::edge}, {.deadline = clock_.now() + seconds(60)});
  auto call = edge().take();
  EXPECT_EQ(call.request.first_token_by, clock_.now() + seconds(30));
  clock_.advance(seconds(30));
  call.fail(ErrorCode::deadline_exceeded);
  run_jobs();
  call = desk().take();
  EXPECT_EQ(call.request.first_token_by, clock_.now() + seconds(15));
  clock_.advance(seconds(15));
  call.fail(ErrorCode::deadline_exceeded);
  run_jobs();
  call = rack().take();
  EXPECT_FALSE(call.request.first_token_by) << "nobody is left to ask";
  call.answer("Hi");
  EXPECT_EQ(asked.sink->text(), "Hi");
  EXPECT_EQ(view(0).failed, 1U);
}

TEST_F(GatewayTest, WhoHadMostOfTheTimeAndWasSilentToTheDeadlineHasFailed) {
  const auto silent = [&](const char* name, PlayedBackend& backend, seconds waited) {
    const auto route = gateway_->route({.model = name});
    ASSERT_TRUE(route);
    const auto sink = std::make_shared<RecordingSink>();
    (*route)->generate({.deadline = clock_.now() + seconds(10)}, sink);
    const auto call = backend.take();
    call.sink->on_begin(nullptr);
    clock_.advance(waited);
    call.end(engine::FinishReason::deadline);
    EXPECT_EQ(sink->finish(), engine::FinishReason::deadline);
  };
  silent("rack", rack(), seconds(10));
  EXPECT_EQ(view(2).failed, 1U);
  // Requests wait in the engine's own queue: that says nothing about it.
  silent("edge", edge(), seconds(10));
  EXPECT_EQ(view(0).failed, 0U);
  // Who was given the last moments is not to blame.
  const auto asked = ask({.tier = Tier::local}, {.deadline = clock_.now() + seconds(10)});
  clock_.advance(seconds(8));
  desk().take().fail();
  run_jobs();
  const auto call = rack().take();
  call.sink->on_begin(nullptr);
  clock_.advance(seconds(2));
  call.end(engine::FinishReason::deadline);
  EXPECT_EQ(view(2).failed, 1U);
}

TEST_F(GatewayTest, WhoAnswersKnowsWhetherItWasNamed) {
  const auto named = ask({.model = "desk"});
  const auto first = desk().take();
  EXPECT_TRUE(first.request.named);
  first.answer("Hi");
  const auto routed = ask({.model = "local"});
  const auto call = desk().take();
  EXPECT_FALSE(call.request.named);
  EXPECT_EQ(call.request.model, "");
  call.answer("Hi");
}

TEST_F(GatewayTest, AModelThatIsNotThereIsLookedForAtTheNextAndBlamesNobody) {
  const auto asked = ask();
  edge().take().fail(ErrorCode::not_found);
  run_jobs();
  desk().take().answer("Hi");
  EXPECT_EQ(asked.sink->text(), "Hi");
  EXPECT_EQ(view(0).failed, 0U);
}

TEST_F(GatewayTest, AnEngineThatCannotGoOnIsPassedOverToo) {
  const auto asked = ask();
  const auto call = edge().take();
  call.sink->on_begin(nullptr);
  call.end(engine::FinishReason::error);
  run_jobs();
  desk().take().answer("Hi");
  EXPECT_EQ(asked.sink->text(), "Hi");
  EXPECT_EQ(view(0).failed, 1U);
}

TEST_F(GatewayTest, AfterTheFirstTokenTheStreamEndsWithAnError) {
  const auto asked = ask();
  const auto call = edge().take();
  call.sink->on_begin(nullptr);
  call.say("Hel");
  call.fail();
  run_jobs();
  ASSERT_TRUE(asked.sink->failure());
  EXPECT_EQ(asked.sink->failure()->reason, "backend_broke_off");
  EXPECT_EQ(asked.sink->failure()->code, ErrorCode::unavailable);
  EXPECT_EQ(asked.sink->text(), "Hel");
  EXPECT_EQ(desk().asked(), 0U);
}

TEST_F(GatewayTest, AWholeAnswerThatBreaksOffIsBegunAnewElsewhere) {
  const auto asked = ask({.tier = Tier::edge}, {.whole = true});
  const auto call = edge().take();
  call.sink->on_begin(nullptr);
  call.say("Hel");
  EXPECT_FALSE(asked.sink->begun()) << "nobody waits for its tokens";
  call.fail();
  run_jobs();
  const auto second = desk().take();
  second.sink->on_begin(nullptr);
  second.say("Bon");
  second.say("jour");
  second.end();
  EXPECT_EQ(asked.sink->text(), "Bonjour");
  EXPECT_EQ(asked.sink->answered_by(), "desk");
  EXPECT_EQ(view(0).failed, 1U);
  EXPECT_EQ(view(1).answered, 1U);
}

TEST_F(GatewayTest, AWholeAnswerThatTheLastOneBreaksOffIsAnError) {
  const auto asked = ask({.tier = Tier::edge}, {.whole = true});
  edge().take().fail();
  run_jobs();
  desk().take().fail();
  run_jobs();
  const auto call = rack().take();
  call.sink->on_begin(nullptr);
  call.say("Hel");
  call.fail();
  ASSERT_TRUE(asked.sink->failure());
  EXPECT_EQ(asked.sink->failure()->reason, "backend_broke_off");
}

TEST_F(GatewayTest, AWrongQueryIsWrongEverywhere) {
  const auto asked = ask();
  edge().take().fail(ErrorCode::invalid_argument);
  run_jobs();
  EXPECT_EQ(asked.sink->failure()->code, ErrorCode::invalid_argument);
  EXPECT_EQ(desk().asked(), 0U);
  EXPECT_EQ(view(0).failed, 0U) << "not its fault";
}

// A prompt over the embedded model's context was a 400 although a server with a longer one stood next in
// line.
TEST_F(GatewayTest, APromptTooLongForOneMayFitAnother) {
  const Failure too_long(ErrorCode::invalid_argument, "too long", "messages", "context_length_exceeded");
  edge().refuse_with(too_long);
  const auto held = ask();
  EXPECT_FALSE(held.sink->has_ended());
  desk().take().sink->on_failure(too_long);  // a server says so later
  run_jobs();
  rack().take().answer("Hi");
  EXPECT_EQ(held.sink->text(), "Hi");
  EXPECT_EQ(held.sink->answered_by(), "rack");
  EXPECT_EQ(view(0).failed + view(1).failed, 0U) << "nobody is to blame";

  // Where nobody can hold it, that is what the client is told, whatever else went wrong.
  const auto lost = ask();
  desk().take().fail();
  run_jobs();
  rack().take().fail();
  run_jobs();
  ASSERT_TRUE(lost.sink->failure());
  EXPECT_EQ(lost.sink->failure()->code, ErrorCode::invalid_argument);
  EXPECT_EQ(lost.sink->failure()->reason, "context_length_exceeded");
  EXPECT_EQ(lost.sink->failure()->message, "too long");

  const auto named = ask({.model = "edge"});
  ASSERT_TRUE(named.sink->failure());
  EXPECT_EQ(named.sink->failure()->reason, "context_length_exceeded");
}

TEST_F(GatewayTest, WhatOneCannotDoAnotherMay) {
  edge().refuse_with(Failure(ErrorCode::unsupported, "no grammars"));
  for (int i = 0; i < 10; ++i) {
    const auto asked = ask();
    desk().take().answer("Hi");
    EXPECT_EQ(asked.sink->text(), "Hi");
  }
  EXPECT_EQ(view(0).breaker, CircuitBreaker::State::closed);
}

TEST_F(GatewayTest, WhenAllFailTheQueryFailsClosed) {
  for (const auto& backend : backends_) backend->refuse_with(Failure(ErrorCode::corrupt, "garbage"));
  const auto asked = ask();
  ASSERT_TRUE(asked.sink->failure());
  EXPECT_EQ(asked.sink->failure()->code, ErrorCode::unavailable);
  EXPECT_EQ(asked.sink->failure()->reason, "no_backend");
  EXPECT_TRUE(asked.sink->failure()->retry_after);
  for (const auto& backend : backends_) EXPECT_EQ(backend->asked(), 1U) << "each is asked once";
}

TEST_F(GatewayTest, ABreakerThatIsOpenSparesTheBackendAndTheQuery) {
  edge().refuse_with(Failure(ErrorCode::unavailable, "down"));
  for (int i = 0; i < 5; ++i) {
    ask();
    desk().take().answer("Hi");
  }
  EXPECT_EQ(view(0).status, BackendStatus::offline);
  const auto spared = ask();
  EXPECT_EQ(edge().asked(), 5U);
  EXPECT_EQ(spared.route->identity().model, "desk") << "and the answer is cached as its own";
  desk().take().answer("Hi");
  EXPECT_EQ(spared.sink->answered_by(), "");

  // It comes back: a probe at a time is let through.
  edge().refuse_with(std::nullopt);
  clock_.advance(seconds(5));
  EXPECT_EQ(view(0).status, BackendStatus::degraded);
  const auto probe = ask();
  EXPECT_EQ(probe.route->identity().model, "edge");
  EXPECT_EQ(ask().route->identity().model, "desk") << "one at a time";
  edge().take().answer("Hi");
  ask();
  edge().take().answer("Hi");
  EXPECT_EQ(view(0).breaker, CircuitBreaker::State::closed);
}

TEST_F(GatewayTest, WhoIsPreferredDoesNotChangeWithHealth) {
  edge().refuse_with(Failure(ErrorCode::unavailable, "down"));
  for (int i = 0; i < 5; ++i) {
    ask();
    desk().take().answer("Hi");
    run_jobs();
  }
  ASSERT_EQ(ask().route->identity().model, "desk");
  EXPECT_EQ(gateway_->preferred({.tier = Tier::edge})->digest, edge().identity().digest);
  EXPECT_EQ(gateway_->preferred({.model = "pool"})->digest, "digest of rack");
  EXPECT_EQ(gateway_->preferred({.model = "pool"})->tier, Tier::pool);
  EXPECT_EQ(gateway_->preferred({.model = "pool", .require_local = true})->digest, "digest of edge");
  EXPECT_EQ(gateway_->preferred({.model = "nobody"}), std::nullopt);
  gateway_->set_backend(0, nullptr);
  EXPECT_EQ(gateway_->preferred({.model = "edge"}), std::nullopt) << "it is not there yet";
}

TEST_F(GatewayTest, AllBreakersOpenIsAnErrorAtOnce) {
  for (const auto& backend : backends_) backend->refuse_with(Failure(ErrorCode::unavailable, "down"));
  for (int i = 0; i < 5; ++i) ask();
  const auto route = gateway_->route({.tier = Tier::edge});
  ASSERT_FALSE(route);
  EXPECT_EQ(route.error().code, ErrorCode::unavailable);
  EXPECT_EQ(route.error().retry_after, seconds(5));
  EXPECT_FALSE(gateway_->serves());
}

TEST_F(GatewayTest, AnOverloadedServerRestsAsLongAsItSays) {
  Failure busy(ErrorCode::resource_exhausted, "busy");
  busy.retry_after = seconds(7);
  desk().refuse_with(busy);
  ask({.tier = Tier::local});
  rack().take().answer("Hi");
  clock_.advance(seconds(6));
  EXPECT_EQ(ask({.tier = Tier::local}).route->identity().model, "rack");
  clock_.advance(seconds(1));
  EXPECT_EQ(gateway_->route({.tier = Tier::local}).value()->identity().model, "desk");
  EXPECT_EQ(view(1).failed, 0U) << "having no room is no failure";
}

TEST_F(GatewayTest, LeavingWhileRunning) {
  const auto asked = ask();
  const auto call = edge().take();
  asked.route->cancel(asked.id);
  EXPECT_EQ(edge().cancelled(), std::vector<std::uint64_t>{call.id});
  call.sink->on_begin(nullptr);
  call.end(engine::FinishReason::cancelled);
  EXPECT_EQ(asked.sink->finish(), engine::FinishReason::cancelled);
  EXPECT_EQ(view(0).failed, 0U);
  EXPECT_EQ(view(0).running, 0U);
}

TEST_F(GatewayTest, WhoLeftIsNotPassedOn) {
  const auto asked = ask();
  const auto call = edge().take();
  asked.route->cancel(asked.id);
  call.fail();
  run_jobs();
  EXPECT_TRUE(asked.sink->has_ended());
  EXPECT_EQ(desk().asked(), 0U);
}

TEST_F(GatewayTest, TheEmbeddedOneComesAndGoes) {
  gateway_->set_backend(0, nullptr);
  EXPECT_EQ(view(0).status, BackendStatus::warming);
  EXPECT_EQ(ask().route->identity().model, "desk");
  const auto local = gateway_->route({.require_local = true});
  ASSERT_FALSE(local);
  EXPECT_EQ(local.error().code, ErrorCode::unavailable);
  gateway_->set_backend(0, backends_[0]);
  EXPECT_EQ(view(0).status, BackendStatus::ready);
  EXPECT_EQ(ask().route->identity().model, "edge");
}

TEST_F(GatewayTest, WhoIsInThisProcessIsAskedWheneverAnybodyLooks) {
  EXPECT_EQ(view(0).status, BackendStatus::ready);
  EXPECT_EQ(view(1).status, BackendStatus::cold) << "a server elsewhere is probed in its time";
  backends_[0]->probes_say({ProbeOutcome::failed, "it stands still", {}});
  EXPECT_EQ(view(0).status, BackendStatus::offline);
  EXPECT_EQ(view(0).detail, "it stands still");
  backends_[0]->probes_say({});
  EXPECT_EQ(view(0).status, BackendStatus::ready);
}

// Each query went there first, and hung until its deadline.
TEST_F(GatewayTest, AModelHereThatStandsStillIsAskedWhenNobodyElseCanAnswer) {
  const auto first_choice = [&](RouteQuestion question) {
    return gateway_->route(question).value()->identity().model;
  };
  EXPECT_EQ(first_choice({.tier = Tier::edge}), "edge");
  edge().probes_say({ProbeOutcome::failed, "it stalls", {}});
  gateway_->probe();
  EXPECT_EQ(first_choice({.tier = Tier::edge}), "desk");
  EXPECT_EQ(gateway_->relay_route({.api = ApiRoute::completions}).value().remote->identity().model, "desk");
  EXPECT_EQ(first_choice({.tier = Tier::edge, .require_local = true}), "edge");
  desk().refuse_with(Failure(ErrorCode::unavailable, "down"));
  rack().refuse_with(Failure(ErrorCode::unavailable, "down"));
  const auto asked = ask();
  edge().take().answer("at last");
  EXPECT_EQ(asked.sink->text(), "at last");
  // It has answered: it is well, and so it is after a look.
  edge().probes_say({ProbeOutcome::failed, "it stalls", {}});
  gateway_->probe();
  edge().probes_say({});
  EXPECT_EQ(first_choice({.tier = Tier::edge}), "edge") << "nobody waits for the next probe";
}

TEST_F(GatewayTest, AGatewayThatEndsFailsWhatComesAfter) {
  const auto asked = ask();
  const auto call = edge().take();
  gateway_.reset();
  call.fail();
  run_jobs();
  EXPECT_TRUE(asked.sink->failure());
  EXPECT_EQ(asked.sink->failure()->code, ErrorCode::unavailable);
}

// Backends that answer, fail early, fail late, hang until cancelled or refuse, on several threads, with
// clients that leave at any moment: every query ends once, and no place is lost.
TEST(GatewayChaos, EveryQueryEndsOnceAndNoPlaceIsLost) {
  constexpr int kQueries = 3000;
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const SteadyClock clock;
  boost::asio::thread_pool pool(4);
  std::vector<std::shared_ptr<PlayedBackend>> backends;
  std::vector<GatewayMember> members;
  for (const auto tier : kTiers) {
    MemberConfig config;
    config.name = to_string(tier);
    config.tier = tier;
    config.max_concurrency = 5;
    config.max_queued = 20;
    config.breaker.open_for = std::chrono::microseconds(200);
    config.breaker.max_open_for = std::chrono::milliseconds(1);
    backends.push_back(std::make_shared<PlayedBackend>(config.name));
    members.push_back({config, backends.back()});
  }
  net::EventLoop loop;
  const auto gateway = Gateway::create(
      std::move(members), {}, clock,
      [&](std::function<void()> job) { boost::asio::post(pool, std::move(job)); },
      [&](Time when, std::function<void()> job) { loop.run_at(when, std::move(job)); });

  std::atomic<bool> over{false};
  std::vector<std::thread> players;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    players.emplace_back([&, backend = backends[i], own = random()]() mutable {
      std::mt19937 dice(own);
      std::vector<PlayedBackend::Call> hanging;
      std::size_t seen = 0;
      while (!over) {
        for (const auto cancelled = backend->cancelled(); seen < cancelled.size(); ++seen) {
          const auto hung = std::find_if(hanging.begin(), hanging.end(),
                                         [&](const auto& call) { return call.id == cancelled[seen]; });
          if (hung == hanging.end()) continue;
          hung->end(engine::FinishReason::cancelled);
          hanging.erase(hung);
        }
        if (hanging.size() > 2) {  // a hang ends as a timeout would end it
          hanging.front().fail(ErrorCode::deadline_exceeded);
          hanging.erase(hanging.begin());
        }
        if (backend->waiting() == 0) {
          if (!hanging.empty()) {
            hanging.front().fail(ErrorCode::deadline_exceeded);
            hanging.erase(hanging.begin());
          }
          std::this_thread::yield();
          continue;
        }
        auto call = backend->take();
        call.sink->on_begin(nullptr);
        switch (dice() % 6) {
          case 0: call.fail(); break;
          case 1: call.say("x"), call.fail(); break;
          case 2: hanging.push_back(std::move(call)); break;
          case 3: call.end(engine::FinishReason::error); break;
          default: call.say("x"), call.end(); break;
        }
      }
      for (auto& call : hanging) call.fail();
    });
  }
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  for (int i = 0; i < kQueries; ++i) {
    const auto route = gateway->route({.tier = kTiers[random() % kTiers.size()]});
    if (!route) {
      std::this_thread::yield();
      continue;
    }
    sinks.push_back(std::make_shared<RecordingSink>());
    GenerateRequest request;
    if (random() % 4 == 0) request.deadline = clock.now() + std::chrono::microseconds(random() % 2000);
    const auto id = (*route)->generate(std::move(request), sinks.back());
    ASSERT_TRUE(id);
    if (random() % 8 == 0) (*route)->cancel(*id);
  }
  for (const auto& sink : sinks) sink->wait();
  over = true;
  for (auto& player : players) player.join();
  pool.join();
  EXPECT_GT(sinks.size(), 100U);
  for (const auto& member : gateway->view()) {
    EXPECT_EQ(member.running, 0U) << member.name;
    EXPECT_EQ(member.queued, 0U) << member.name;
  }
}

}  // namespace
}  // namespace sovereign::gateway
