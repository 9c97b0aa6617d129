// The pipeline with a scripted model: what clients are told, what is kept, and who works for whom.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "runtime/pipeline_fixture.h"

namespace sovereign::runtime {
namespace {

using testing::RecordingClient;
using testing::ScriptedBackend;
using Status = CacheNote::Status;
using testing::ClientPtr;

SovereignQuery greedy(const std::string& content) {
  SovereignQuery query;
  query.id = "q-" + content;
  query.content = content;
  query.sampling.temperature = 0;
  return query;
}

// Another machine's cache, which answers the first one when it is let go.
class StuckLevel final : public cache::CacheLevel {
 public:
  std::string_view name() const override { return "stuck"; }
  cache::EntryPtr get(const cache::QueryKey&, cache::WallTime) override {
    if (first_.exchange(false)) {
      asked.set_value();
      release.get_future().wait();
    }
    return nullptr;
  }
  cache::EntryPtr peek(const cache::Hash128&, cache::WallTime) override { return nullptr; }
  bool put(cache::EntryPtr) override { return true; }
  void erase(const cache::Hash128&) override {}
  result<void> clear() override { return {}; }
  result<void> flush() override { return {}; }
  cache::LevelStats stats() const override { return {}; }

  std::promise<void> asked;
  std::promise<void> release;

 private:
  std::atomic<bool> first_{true};
};

class PipelineTest : public testing::PipelineFixture {
 protected:
  PipelineTest() : PipelineFixture({"The ", "sky ", "is ", "blue."}) { make(&cache_); }

  void make(cache::ResponseCache* cache, cache::SingleFlightConfig flights = {}) {
    PipelineParts all = parts();
    all.cache = cache;
    all.flights = flights;
    pipeline_ = make_pipeline(std::move(all));
  }
};

std::string answer_of(const ClientPtr& client) {
  return client->result() ? client->result()->choices.front().message.content : "(none)";
}
Status status_of(const ClientPtr& client) { return client->result()->cached.status; }

TEST_F(PipelineTest, AnAnswerStreamsAndEndsWithAResult) {
  const auto client = ask(greedy("colour?"));
  EXPECT_TRUE(client->beginning());
  backend_->step();
  EXPECT_EQ(client->text(), "The ");
  EXPECT_FALSE(client->result());
  backend_->run_to_end();
  ASSERT_TRUE(client->result());
  const SovereignResult& result = *client->result();
  EXPECT_EQ(client->text(), "The sky is blue.");
  EXPECT_EQ(answer_of(client), "The sky is blue.");
  EXPECT_EQ(result.id, "q-colour?");
  EXPECT_EQ(result.model_used, "scripted");
  EXPECT_EQ(result.usage.completion_tokens, 4u);
  EXPECT_EQ(result.cached.status, Status::miss);
  std::vector<std::string> stages;
  for (const auto& timing : result.timings) stages.emplace_back(timing.stage);
  EXPECT_EQ(stages, (std::vector<std::string>{"admission", "cache", "inference", "cache_fill"}));
}

TEST_F(PipelineTest, TheChoiceOfABackendIsTheFirstStage) {
  const auto client = std::make_shared<RecordingClient>();
  pipeline_->start(greedy("colour?"), backend_, client, std::chrono::microseconds(7));
  backend_->run_to_end();
  ASSERT_TRUE(client->result());
  const StageTiming& first = client->result()->timings.front();
  EXPECT_EQ(first.stage, "tier");
  EXPECT_EQ(first.spent, std::chrono::microseconds(7));
  EXPECT_EQ(client->result()->timings[1].stage, "admission");
}

TEST_F(PipelineTest, WhoAnswersInAnothersPlaceIsNamed) {
  gateway::BackendIdentity other;
  other.model = "fallback";
  other.digest = "sha256:other";
  other.tier = gateway::Tier::pool;
  backend_->redirect_to(other);
  const auto client = ask_to_end(greedy("colour?"));
  ASSERT_TRUE(client->result());
  EXPECT_EQ(client->result()->model_used, "fallback");
  EXPECT_EQ(client->result()->model_digest, "sha256:other");
  EXPECT_EQ(client->result()->tier, gateway::Tier::pool);
}

TEST_F(PipelineTest, TheSecondTimeItIsFound) {
  ask_to_end(greedy("colour?"));
  const auto again = ask(greedy("colour?"));
  ASSERT_TRUE(again->result()) << "a hit needs no model";
  EXPECT_EQ(backend_->generations(), 1u);
  EXPECT_EQ(status_of(again), Status::hit);
  EXPECT_EQ(again->result()->cached.level, "memory");
  EXPECT_EQ(answer_of(again), "The sky is blue.");
  EXPECT_EQ(again->result()->usage.completion_tokens, 4u);
  EXPECT_EQ(again->deltas(), 0u);
  EXPECT_EQ(again->result()->timings.size(), 2u) << "what comes after a hit is not reached";
}

// A query that waited for a slow level held a worker, and all who needed it.
TEST_F(PipelineTest, WhoWaitsForASlowLevelHoldsNobodyElse) {
  auto level = std::make_unique<StuckLevel>();
  StuckLevel& stuck = *level;
  std::vector<std::unique_ptr<cache::CacheLevel>> levels;
  levels.push_back(std::move(level));
  cache::ResponseCache two_levels({}, std::move(levels));
  cache::LookupThreads threads({.threads = 1, .max_waiting = 1, .max_wait = std::chrono::hours(1)});
  PipelineParts all = parts();
  all.cache = &two_levels;
  all.lookups = &threads;
  pipeline_ = make_pipeline(std::move(all));
  const auto waits = ask(greedy("colour?"));
  stuck.asked.get_future().wait();
  EXPECT_FALSE(waits->beginning());
  auto another = greedy("size?");
  another.cache.mode = CacheMode::off;
  EXPECT_EQ(answer_of(ask_to_end(another)), "The sky is blue.");
  const auto patient = ask(greedy("shape?"));  // behind the first one
  const auto crowded = ask_to_end(greedy("age?"));
  EXPECT_EQ(status_of(crowded), Status::miss) << "too many wait: it goes on without";
  EXPECT_FALSE(waits->result() || patient->result());
  stuck.release.set_value();
  while (!waits->result() || !patient->result()) {
    backend_->run_to_end();
    std::this_thread::yield();
  }
  EXPECT_EQ(answer_of(waits), "The sky is blue.");
}

TEST_F(PipelineTest, OtherQueriesAreOtherQueries) {
  ask_to_end(greedy("colour?"));
  auto with_context = greedy("colour?");
  with_context.context.push_back({"t", "x", false});
  auto shorter = greedy("colour?");
  shorter.max_tokens = 3;
  for (const auto& query : {greedy("color?"), with_context, shorter}) {
    EXPECT_EQ(status_of(ask_to_end(query)), Status::miss);
  }
  backend_->mutable_identity().digest = "sha256:01";
  EXPECT_EQ(status_of(ask_to_end(greedy("colour?"))), Status::miss) << "another model";
  EXPECT_EQ(backend_->generations(), 5u);
}

TEST_F(PipelineTest, OnlyReproducibleAnswersAreKeptUnlessForced) {
  auto random = greedy("colour?");
  random.sampling.temperature = 1;
  EXPECT_EQ(status_of(ask_to_end(random)), Status::bypass);
  EXPECT_EQ(status_of(ask_to_end(random)), Status::bypass);
  auto seeded = random;
  seeded.sampling.seed = 5;
  EXPECT_EQ(status_of(ask_to_end(seeded)), Status::miss);
  EXPECT_EQ(status_of(ask_to_end(seeded)), Status::hit);
  auto forced = random;
  forced.cache.mode = CacheMode::force;
  EXPECT_EQ(status_of(ask_to_end(forced)), Status::miss);
  EXPECT_EQ(status_of(ask_to_end(forced)), Status::hit);
}

TEST_F(PipelineTest, AnAnswerThatAFilterCutIsToldAndNotKept) {
  backend_->finish_with(engine::FinishReason::filtered);
  const auto client = ask_to_end(greedy("colour?"));
  ASSERT_TRUE(client->result());
  EXPECT_EQ(client->result()->choices.front().finish, engine::FinishReason::filtered);
  backend_->finish_with(engine::FinishReason::stop);
  EXPECT_EQ(status_of(ask_to_end(greedy("colour?"))), Status::miss);
}

TEST_F(PipelineTest, RequestsSayHowTheCacheIsUsed) {
  auto off = greedy("colour?");
  off.cache.mode = CacheMode::off;
  EXPECT_EQ(status_of(ask_to_end(off)), Status::bypass);
  auto no_store = greedy("colour?");
  no_store.cache.no_store = true;
  EXPECT_EQ(status_of(ask_to_end(no_store)), Status::miss);
  EXPECT_EQ(status_of(ask_to_end(greedy("colour?"))), Status::miss) << "no-store must not have kept it";
  backend_->say({"Grey."});
  auto no_cache = greedy("colour?");
  no_cache.cache.no_lookup = true;
  EXPECT_EQ(status_of(ask_to_end(no_cache)), Status::miss);
  EXPECT_EQ(answer_of(ask(greedy("colour?"))), "Grey.") << "no-cache keeps the new answer";
  backend_->say({"Black."});
  auto refresh = greedy("colour?");
  refresh.cache.mode = CacheMode::refresh;
  ask_to_end(refresh);
  EXPECT_EQ(answer_of(ask(greedy("colour?"))), "Black.");
}

TEST_F(PipelineTest, AnAnswerOlderThanAllowedIsMadeAnew) {
  ask_to_end(greedy("colour?"));
  auto fresh = greedy("colour?");
  fresh.cache.age_limit = std::chrono::milliseconds(-1);  // older than anything: no clock is needed
  EXPECT_EQ(status_of(ask_to_end(fresh)), Status::miss);
  fresh.cache.age_limit = std::chrono::hours(1);
  EXPECT_EQ(status_of(ask(fresh)), Status::hit);
}

TEST_F(PipelineTest, FailuresAreToldAndNotKept) {
  backend_->finish_with(engine::FinishReason::error);
  const auto failed = ask_to_end(greedy("colour?"));
  ASSERT_TRUE(failed->failure());
  EXPECT_EQ(failed->failure()->message, "broken");
  backend_->finish_with(engine::FinishReason::deadline);
  EXPECT_EQ(ask_to_end(greedy("colour?"))->failure()->code, ErrorCode::deadline_exceeded);
  backend_->finish_with(engine::FinishReason::stop);
  EXPECT_EQ(status_of(ask_to_end(greedy("colour?"))), Status::miss);
  backend_->refuse_with({ErrorCode::resource_exhausted, "full", {}});
  EXPECT_EQ(ask(greedy("other?"))->failure()->code, ErrorCode::resource_exhausted);
}

TEST_F(PipelineTest, WhatCannotBeAnsweredIsRefusedBeforeAnything) {
  EXPECT_EQ(ask(greedy(""))->failure()->code, ErrorCode::invalid_argument);
  auto reasoning = greedy("why?");
  reasoning.require_reasoning = true;
  EXPECT_EQ(ask(reasoning)->failure()->code, ErrorCode::unsupported);
  auto late = greedy("when?");
  late.deadline = clock_.now() - std::chrono::seconds(1);
  EXPECT_EQ(ask(late)->failure()->code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(backend_->generations(), 0u);
}

TEST_F(PipelineTest, IdenticalQueriesAtOnceAreOneInference) {
  std::vector<ClientPtr> clients;
  clients.push_back(ask(greedy("colour?")));
  backend_->step();
  for (int i = 0; i < 63; ++i) clients.push_back(ask(greedy("colour?")));
  EXPECT_EQ(clients.back()->text(), "The ") << "who joins late gets what was said so far";
  backend_->run_to_end();
  EXPECT_EQ(backend_->generations(), 1u);
  EXPECT_EQ(status_of(clients.front()), Status::miss);
  for (std::size_t i = 1; i < clients.size(); ++i) {
    ASSERT_TRUE(clients[i]->result());
    EXPECT_EQ(status_of(clients[i]), Status::shared);
    EXPECT_EQ(clients[i]->beginning()->cached.status, Status::shared);
    EXPECT_EQ(clients[i]->text(), "The sky is blue.");
    EXPECT_EQ(answer_of(clients[i]), "The sky is blue.");
  }
  EXPECT_EQ(status_of(ask(greedy("colour?"))), Status::hit);
}

TEST_F(PipelineTest, TheLeadersClientLeavesAndTheWorkGoesOn) {
  const auto leader = ask(greedy("colour?"));
  backend_->step();
  const auto follower = ask(greedy("colour?"));
  leader->leave();
  EXPECT_EQ(backend_->cancels(), 0u);
  backend_->run_to_end();
  EXPECT_EQ(answer_of(follower), "The sky is blue.");
  EXPECT_EQ(leader->text(), "The ");
  EXPECT_FALSE(leader->result() || leader->failure()) << "who left is told nothing";
  EXPECT_EQ(backend_->generations(), 1u);
}

TEST_F(PipelineTest, WhenAllHaveLeftTheWorkEnds) {
  const auto leader = ask(greedy("colour?"));
  const auto follower = ask(greedy("colour?"));
  leader->leave();
  follower->leave();
  EXPECT_EQ(backend_->cancels(), 1u);
  EXPECT_EQ(backend_->running(), 0u);
  EXPECT_EQ(status_of(ask_to_end(greedy("colour?"))), Status::miss) << "nothing half-done was kept";
}

TEST_F(PipelineTest, AClientAloneLeaves) {
  auto random = greedy("colour?");
  random.sampling.temperature = 1;
  const auto client = ask(random);
  backend_->step();
  client->leave();
  EXPECT_EQ(backend_->cancels(), 1u);
  ASSERT_TRUE(client->failure());
  EXPECT_EQ(client->failure()->reason, "cancelled");
}

TEST_F(PipelineTest, AFailureIsEverybodys) {
  backend_->finish_with(engine::FinishReason::error);
  const auto leader = ask(greedy("colour?"));
  const auto follower = ask(greedy("colour?"));
  backend_->run_to_end();
  EXPECT_TRUE(leader->failure());
  EXPECT_TRUE(follower->failure());
}

TEST_F(PipelineTest, ARefusalReachesThoseWhoJoinedMeanwhile) {
  backend_->refuse_with({ErrorCode::resource_exhausted, "full", {}});
  EXPECT_EQ(ask(greedy("colour?"))->failure()->code, ErrorCode::resource_exhausted);
  EXPECT_EQ(ask(greedy("colour?"))->failure()->code, ErrorCode::resource_exhausted);
  EXPECT_EQ(backend_->generations(), 2u) << "the flight of the first is over";
}

TEST_F(PipelineTest, AFollowerWithMoreTimeThanTheLeaderAsksAgain) {
  auto hasty = greedy("colour?");
  hasty.whole = true;
  hasty.deadline = clock_.now() + std::chrono::hours(1);
  auto patient = hasty;
  patient.deadline = clock_.now() + std::chrono::hours(2);
  auto streamed = patient;
  streamed.whole = false;
  const auto leader = ask(hasty);
  const auto follower = ask(patient);
  const auto reader = ask(streamed);
  backend_->step();
  backend_->finish_with(engine::FinishReason::deadline);
  while (!leader->failure()) backend_->step();
  backend_->finish_with(engine::FinishReason::stop);
  backend_->run_to_end();
  EXPECT_EQ(leader->failure()->code, ErrorCode::deadline_exceeded);
  ASSERT_TRUE(follower->result());
  EXPECT_EQ(backend_->generations(), 2u);
  ASSERT_TRUE(reader->failure()) << "a part of the first answer was told";
  EXPECT_EQ(reader->failure()->code, ErrorCode::deadline_exceeded);
}

TEST_F(PipelineTest, PastTheBoundOfFlightsEverybodyWorksForThemselves) {
  make(&cache_, {.max_flights = 1, .max_waiters = 1, .max_pieces = 100});
  const auto first = ask(greedy("one"));
  const auto same = ask(greedy("one"));
  const auto other = ask(greedy("two"));
  backend_->run_to_end();
  EXPECT_EQ(backend_->generations(), 3u);
  for (const auto& client : {first, same, other}) EXPECT_EQ(answer_of(client), "The sky is blue.");
}

TEST_F(PipelineTest, AnAnswerInTooManyPiecesFailsForAll) {
  make(&cache_, {.max_flights = 8, .max_waiters = 8, .max_pieces = 3});
  const auto leader = ask(greedy("one"));
  const auto follower = ask(greedy("one"));
  backend_->run_to_end();
  EXPECT_EQ(leader->failure()->code, ErrorCode::resource_exhausted);
  EXPECT_EQ(follower->failure()->code, ErrorCode::resource_exhausted);
  EXPECT_EQ(backend_->running(), 0u);
}

TEST_F(PipelineTest, WithoutACacheThereIsNoFlightEither) {
  make(nullptr);
  const auto first = ask(greedy("one"));
  const auto second = ask(greedy("one"));
  backend_->run_to_end();
  EXPECT_EQ(backend_->generations(), 2u);
  EXPECT_EQ(status_of(first), Status::bypass);
  EXPECT_EQ(answer_of(second), "The sky is blue.");
}

TEST_F(PipelineTest, SeveralChoicesAreKeptTogether) {
  auto two = greedy("colour?");
  two.n = 2;
  ask_to_end(two);
  const auto again = ask(two);
  ASSERT_EQ(again->result()->choices.size(), 2u);
  EXPECT_EQ(again->result()->choices[1].message.content, "The sky is blue.");
}

// Clients come and go on several threads while the model speaks on another: everyone who stays has the
// whole answer, and nothing is left over. The thread sanitizer watches.
TEST_F(PipelineTest, ManyThreadsComeAndGo) {
  std::atomic<bool> stop{false};
  std::thread engine([&] {
    while (!stop) {
      if (!backend_->step()) std::this_thread::yield();
    }
    backend_->run_to_end();
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 300; ++i) {
        auto query = greedy("question " + std::to_string(i % 7));
        query.cache.time_to_live = cache::WallDuration(1);
        const auto client = ask(query);
        if ((i + t) % 3 == 0) {
          client->leave();
        } else {
          client->wait();
          EXPECT_EQ(answer_of(client), "The sky is blue.");
          if (client->deltas() > 0) {
            EXPECT_EQ(client->text(), "The sky is blue.");
          }
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  stop = true;
  engine.join();
  EXPECT_EQ(backend_->running(), 0u);
}

}  // namespace
}  // namespace sovereign::runtime
