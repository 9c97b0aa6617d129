// Who waits for a place: queues, how long, and what comes after.
#include "gateway/gateway_fixture.h"

namespace sovereign::gateway {
namespace {

using std::chrono::seconds;
using testing::RecordingSink;

class GatewayQueueTest : public testing::GatewayFixture {};

// Each was sent as the one before it was refused, to a server that had asked for a pause.
TEST_F(GatewayQueueTest, WhoWaitsForAServerThatHasNoRoomIsNotSentThere) {
  remake(1, 2);
  const auto first = ask({.model = "desk"});
  const auto second = ask({.model = "desk"});
  const auto third = ask({.model = "desk"});
  Failure busy(ErrorCode::resource_exhausted, "busy");
  busy.retry_after = seconds(7);
  desk().take().sink->on_failure(busy);
  clock_.advance(std::chrono::milliseconds(2500));
  run_jobs();
  EXPECT_EQ(desk().asked(), 1U);
  for (const auto& waited : {second, third}) {
    ASSERT_TRUE(waited.sink->failure());
    EXPECT_EQ(waited.sink->failure()->code, ErrorCode::resource_exhausted);
    EXPECT_EQ(waited.sink->failure()->reason, "backend_overloaded");
    EXPECT_EQ(waited.sink->failure()->retry_after, seconds(5));
  }
  EXPECT_EQ(view(1).running, 0U);
  EXPECT_EQ(view(1).queued, 0U);
}

TEST_F(GatewayQueueTest, PlacesAreLimitedAndTheQueueIsFirstCome) {
  remake(1, 2);
  const auto first = ask();
  const auto second = ask();
  const auto third = ask();
  EXPECT_EQ(edge().asked(), 1U);
  EXPECT_EQ(view(0).running, 1U);
  EXPECT_EQ(view(0).queued, 2U);
  edge().take().answer("1");
  run_jobs();
  EXPECT_EQ(edge().asked(), 2U);
  edge().take().answer("2");
  run_jobs();
  edge().take().answer("3");
  EXPECT_EQ(first.sink->text() + second.sink->text() + third.sink->text(), "123");
  EXPECT_EQ(view(0).running, 0U);
}

TEST_F(GatewayQueueTest, AFullQueueGoesOnToTheNextAndInTheEndIsAnError) {
  remake(1, 0);
  ask();
  ask();
  ask();
  EXPECT_EQ(edge().asked() + desk().asked() + rack().asked(), 3U);
  const auto refused = ask();
  ASSERT_TRUE(refused.sink->failure());
  EXPECT_EQ(refused.sink->failure()->code, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused.sink->failure()->reason, "queue_full");
  EXPECT_TRUE(refused.sink->failure()->retry_after);
}

TEST_F(GatewayQueueTest, LeavingWhileWaiting) {
  remake(1, 4);
  const auto running = ask();
  const auto waiting = ask();
  const auto behind = ask();
  waiting.route->cancel(waiting.id);
  EXPECT_EQ(waiting.sink->failure()->code, ErrorCode::cancelled);
  edge().take().answer("1");
  run_jobs();
  edge().take().answer("3");
  EXPECT_EQ(behind.sink->text(), "3");
  EXPECT_EQ(edge().asked(), 2U);
}

// Behind one long stream, a request with a timeout of 1 s had its 504 when the stream ended.
TEST_F(GatewayQueueTest, WhoWaitsEndsAtItsDeadline) {
  remake(1, 4);
  const auto running = ask({.model = "edge"});
  const auto patient = ask({.model = "edge"}, {.deadline = clock_.now() + seconds(9)});
  const auto hasty = ask({.model = "edge"}, {.deadline = clock_.now() + seconds(1)});
  const auto later = ask({.model = "edge"}, {.deadline = clock_.now() + seconds(2)});
  const auto endless = ask({.model = "edge"});
  EXPECT_EQ(view(0).queued, 4U);
  pass(std::chrono::milliseconds(999));
  EXPECT_FALSE(hasty.sink->has_ended());
  pass(std::chrono::milliseconds(1));
  ASSERT_TRUE(hasty.sink->failure());
  EXPECT_EQ(hasty.sink->failure()->code, ErrorCode::deadline_exceeded);
  EXPECT_FALSE(later.sink->has_ended());
  pass(seconds(1));
  EXPECT_EQ(later.sink->failure()->code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(view(0).queued, 2U);
  edge().take().answer("1");
  run_jobs();
  const auto call = edge().take();  // the patient one
  pass(seconds(10));
  EXPECT_FALSE(patient.sink->has_ended()) << "who runs is the backend's to end";
  call.answer("2");
  run_jobs();
  edge().take().answer("5");
  EXPECT_EQ(patient.sink->text() + endless.sink->text(), "25");
  EXPECT_TRUE(alarms_.empty());
  EXPECT_EQ(view(0).running, 0U);
}

// With a fallback idle, whoever stood behind a backend that hangs waited for it until its 504.
TEST_F(GatewayQueueTest, WhoHasWaitedHalfItsTimeGoesToTheNext) {
  remake(1, 4);
  ask();
  const auto waiting = ask({.tier = Tier::edge}, {.deadline = clock_.now() + seconds(8)});
  const auto endless = ask();
  EXPECT_EQ(view(0).queued, 2U);
  pass(std::chrono::milliseconds(3999));
  EXPECT_EQ(desk().asked(), 0U);
  pass(std::chrono::milliseconds(1));
  EXPECT_EQ(view(0).queued, 1U);
  ASSERT_EQ(desk().asked(), 1U);
  desk().take().answer("desk");
  run_jobs();
  EXPECT_EQ(waiting.sink->text(), "desk");
  EXPECT_FALSE(endless.sink->has_ended());
}

TEST_F(GatewayQueueTest, WhoFindsNobodyWithRoomKeepsItsPlace) {
  remake(1, 4);
  ask();
  const auto next = ask({.tier = Tier::local});
  const auto last = ask({.tier = Tier::pool});
  const auto waiting = ask({.tier = Tier::edge}, {.deadline = clock_.now() + seconds(8)});
  const auto behind = ask({.tier = Tier::edge}, {.deadline = clock_.now() + seconds(80)});
  pass(seconds(5));
  EXPECT_EQ(view(0).queued, 2U);
  rack().take().answer("rack");
  run_jobs();
  pass(seconds(2));  // it looked again at 6
  ASSERT_EQ(rack().asked(), 2U);
  rack().take().answer("waited");
  run_jobs();
  EXPECT_EQ(waiting.sink->text(), "waited");
  edge().take().answer("1");
  run_jobs();
  edge().take().answer("2");
  EXPECT_EQ(behind.sink->text(), "2");
}

TEST_F(GatewayQueueTest, WhoFindsAllQueuesLongEndsAtItsDeadline) {
  remake(1, 4);
  ask();
  const auto next = ask({.tier = Tier::local});
  const auto last = ask({.tier = Tier::pool});
  const auto waiting = ask({.tier = Tier::edge}, {.deadline = clock_.now() + seconds(8)});
  pass(std::chrono::milliseconds(7999));
  EXPECT_EQ(view(0).queued, 1U);
  EXPECT_FALSE(waiting.sink->has_ended());
  pass(std::chrono::milliseconds(1));
  ASSERT_TRUE(waiting.sink->failure());
  EXPECT_EQ(waiting.sink->failure()->code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(view(0).queued + view(1).queued + view(2).queued, 0U);
  EXPECT_TRUE(alarms_.empty());
}

TEST_F(GatewayQueueTest, WhoWaitedPastItsDeadlineIsNotAsked) {
  remake(1, 4);
  ask();
  auto route = gateway_->route({.tier = Tier::edge}).value();
  const auto sink = std::make_shared<RecordingSink>();
  GenerateRequest request;
  request.deadline = clock_.now() + seconds(1);
  route->generate(request, sink);
  clock_.advance(seconds(2));
  edge().take().answer("1");
  run_jobs();
  EXPECT_EQ(sink->failure()->code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(edge().asked(), 1U);
  EXPECT_EQ(view(0).running, 0U);
}

}  // namespace
}  // namespace sovereign::gateway
