#include "gateway/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sovereign::gateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Verdict = ConcurrencyLimit::Verdict;

constexpr Time kNow{std::chrono::hours(1)};

MemberConfig member(std::string name, Tier tier = Tier::local) {
  MemberConfig config;
  config.name = std::move(name);
  config.model = "m";
  config.tier = tier;
  config.breaker.consecutive_failures = 2;
  config.breaker.open_for = 10s;
  return config;
}

RouteQuestion any_local() {
  RouteQuestion question;
  question.tier = Tier::local;
  return question;
}

void fail_once(Fleet& fleet, std::size_t at, Time now = kNow) {
  const auto permit = fleet.admit(at, now);
  ASSERT_TRUE(permit);
  fleet.report(*permit, CallOutcome::failed, now);
}

TEST(Fleet, AnOpenBreakerTakesItsMemberOutOfTheRouteUntilItIsTriedAgain) {
  auto first = member("first");
  auto second = member("second");
  second.priority = 1;
  Fleet fleet({first, second}, {});
  EXPECT_THAT(*fleet.plan(any_local(), kNow), ElementsAre(0U, 1U));
  fail_once(fleet, 0);
  EXPECT_THAT(*fleet.plan(any_local(), kNow), ElementsAre(0U, 1U));
  fail_once(fleet, 0);
  EXPECT_THAT(*fleet.plan(any_local(), kNow), ElementsAre(1U));
  EXPECT_FALSE(fleet.admit(0, kNow));
  EXPECT_THAT(*fleet.plan(any_local(), kNow + 10s), ElementsAre(0U, 1U));
  const auto view = fleet.view(kNow);
  EXPECT_EQ(view[0].status, BackendStatus::offline);
  EXPECT_EQ(view[0].failed, 2U);
  EXPECT_EQ(view[0].times_opened, 1U);
}

// A batch of eight that broke off opened the breaker by itself.
TEST(Fleet, WhatWasReportedOfACallCountsOnceForTheBreaker) {
  Fleet fleet({member("only")}, {});
  const auto first = fleet.admit(0, kNow);
  auto second = fleet.admit(0, kNow);
  ASSERT_TRUE(first && second);
  second->repeats = true;
  fleet.report(*first, CallOutcome::failed, kNow);
  fleet.report(*second, CallOutcome::failed, kNow);
  EXPECT_EQ(fleet.view(kNow)[0].failed, 2U);
  EXPECT_EQ(fleet.view(kNow)[0].times_opened, 0U);
  second = fleet.admit(0, kNow);
  ASSERT_TRUE(second);
  second->repeats = true;
  fleet.report(*second, CallOutcome::answered, kNow);
  EXPECT_EQ(fleet.view(kNow)[0].answered, 1U);
  fail_once(fleet, 0);
  EXPECT_EQ(fleet.view(kNow)[0].times_opened, 1U) << "the second in a row";
}

TEST(Fleet, ARouteThatAMemberLacksIsForgottenAfterAWhile) {
  Fleet fleet({member("only")}, {});
  RouteQuestion question = any_local();
  question.api = ApiRoute::embeddings;
  EXPECT_TRUE(fleet.plan(question, kNow));
  fleet.route_missing(0, ApiRoute::embeddings, kNow);
  EXPECT_EQ(fleet.plan(question, kNow + 299s).error().reason, kRouteMissing);
  EXPECT_TRUE(fleet.plan(any_local(), kNow)) << "chats are another";
  EXPECT_TRUE(fleet.plan(question, kNow + 300s));
}

TEST(Fleet, WhatAMemberAnswersWith) {
  auto first = member("first");
  first.aliases = {"alias"};
  const Fleet fleet({first}, {});
  for (const char* asked : {"", "auto", "pool", "first", "alias", "m"}) {
    EXPECT_EQ(fleet.answers_with(0, asked), "m") << asked;
  }
  EXPECT_EQ(fleet.answers_with(0, "offered"), "offered");
}

TEST(Fleet, WhenNobodyMayBeAskedItSaysWhenTheNextMay) {
  Fleet fleet({member("only")}, {});
  fail_once(fleet, 0);
  fail_once(fleet, 0);
  const auto none = fleet.plan(any_local(), kNow + 2500ms);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, "no_backend");
  EXPECT_EQ(none.error().retry_after, 8s);
}

TEST(Fleet, AnOverloadedMemberRestsAsLongAsItSaysWithinBounds) {
  Fleet fleet({member("only")}, {});
  const auto overload = [&](std::optional<std::chrono::seconds> rest, Time now) {
    const auto permit = fleet.admit(0, now);
    ASSERT_TRUE(permit);
    fleet.report(*permit, CallOutcome::overloaded, now, rest);
  };
  overload(7s, kNow);
  EXPECT_FALSE(fleet.plan(any_local(), kNow + 7s - 1ns));
  EXPECT_TRUE(fleet.plan(any_local(), kNow + 7s));
  overload(3600s, kNow + 7s);
  EXPECT_FALSE(fleet.plan(any_local(), kNow + 66s));
  EXPECT_TRUE(fleet.plan(any_local(), kNow + 67s));
  overload(std::nullopt, kNow + 67s);
  EXPECT_TRUE(fleet.plan(any_local(), kNow + 68s));
  EXPECT_EQ(fleet.view(kNow).front().overloaded, 3U);
  EXPECT_EQ(fleet.view(kNow + 100s).front().breaker, CircuitBreaker::State::closed);
}

TEST(Fleet, TheEmbeddedModelNeverRests) {
  auto embedded = member("own", Tier::edge);
  embedded.embedded = true;
  Fleet fleet({embedded}, {});
  const auto permit = fleet.admit(0, kNow);
  ASSERT_TRUE(permit);
  fleet.report(*permit, CallOutcome::overloaded, kNow, 60s);
  RouteQuestion question;
  question.tier = Tier::edge;
  EXPECT_TRUE(fleet.plan(question, kNow));
}

TEST(Fleet, AMemberThatIsNotThereYetAdmitsNobody) {
  auto embedded = member("own", Tier::edge);
  embedded.embedded = true;
  embedded.present = false;
  Fleet fleet({embedded}, {});
  RouteQuestion question;
  question.model = "own";
  EXPECT_EQ(fleet.plan(question, kNow).error().reason, "no_backend");
  EXPECT_FALSE(fleet.admit(0, kNow));
  EXPECT_EQ(fleet.view(kNow).front().status, BackendStatus::warming);
  fleet.set_present(0, true, "own-7b");
  EXPECT_TRUE(fleet.plan(question, kNow));
  question.model = "own-7b";
  EXPECT_TRUE(fleet.plan(question, kNow));
  EXPECT_EQ(fleet.view(kNow).front().status, BackendStatus::cold);
}

// A model of [models] that was not in memory was "ready".
TEST(Fleet, AModelHereThatIsNotInMemoryIsColdAndTakesQueries) {
  auto embedded = member("own", Tier::edge);
  embedded.embedded = true;
  Fleet fleet({embedded, member("there")}, {});
  RouteQuestion question;
  question.model = "own";
  for (const auto& [outcome, status] : {std::pair{ProbeOutcome::none, BackendStatus::cold},
                                        {ProbeOutcome::loading, BackendStatus::warming},
                                        {ProbeOutcome::well, BackendStatus::ready}}) {
    fleet.report_probe(0, {outcome, {}, {}}, kNow);
    EXPECT_EQ(fleet.view(kNow).front().status, status);
    EXPECT_TRUE(fleet.view(kNow).front().takes_queries);
    EXPECT_TRUE(fleet.plan(question, kNow));
  }
  for (int i = 0; i < 10; ++i) fleet.report_probe(0, {ProbeOutcome::failed, "it stalls", {}}, kNow);
  EXPECT_EQ(fleet.view(kNow).front().status, BackendStatus::offline);
  EXPECT_FALSE(fleet.view(kNow).front().takes_queries);
  EXPECT_EQ(fleet.view(kNow).front().detail, "it stalls");
  EXPECT_EQ(fleet.view(kNow).front().breaker, CircuitBreaker::State::closed)
      << "looking at it breaks nothing";
  fleet.report_probe(1, {ProbeOutcome::loading, {}, {}}, kNow);
  EXPECT_FALSE(fleet.view(kNow).back().takes_queries);
}

// An idle backend stayed degraded for ever, and five failed probes over days opened its breaker.
TEST(Fleet, AProbeThatSucceedsTakesBackWhatProbesHaveSaid) {
  Fleet fleet({member("only")}, {});  // two failures in a row open it
  for (int i = 0; i < 5; ++i) {
    fleet.report_probe(0, {ProbeOutcome::failed, "refused", {}}, kNow);
    fleet.report_probe(0, {ProbeOutcome::well, {}, {"m"}}, kNow);
    EXPECT_EQ(fleet.view(kNow).front().status, BackendStatus::ready);
  }
  // What queries have said stays for a while.
  fail_once(fleet, 0);
  fleet.report_probe(0, {ProbeOutcome::well, {}, {"m"}}, kNow);
  EXPECT_EQ(fleet.view(kNow).front().status, BackendStatus::degraded);
  EXPECT_EQ(fleet.view(kNow + 6min).front().status, BackendStatus::ready);
}

TEST(Fleet, ProbesFindOutTheDeadAndDoNotVouchForTheLiving) {
  Fleet fleet({member("only")}, {});
  EXPECT_EQ(fleet.view(kNow).front().status, BackendStatus::cold);
  fleet.report_probe(0, {ProbeOutcome::well, {}, {"m", "n"}}, kNow);
  EXPECT_EQ(fleet.view(kNow).front().status, BackendStatus::ready);
  EXPECT_THAT(fleet.view(kNow).front().offers, ElementsAre("m", "n"));
  fleet.report_probe(0, {ProbeOutcome::failed, "refused", {}}, kNow);
  fleet.report_probe(0, {ProbeOutcome::failed, "refused", {}}, kNow);
  EXPECT_FALSE(fleet.plan(any_local(), kNow));
  EXPECT_EQ(fleet.view(kNow).front().detail, "refused");
  fleet.report_probe(0, {ProbeOutcome::well, {}, {"m"}}, kNow + 1s);
  EXPECT_FALSE(fleet.plan(any_local(), kNow + 1s));  // it lists its models, and may still fail every chat
}

TEST(Fleet, AServerThatDoesNotSayNowOffersWhatItOffered) {
  Fleet fleet({member("only")}, {});
  fleet.report_probe(0, {ProbeOutcome::well, {}, {"m", "n"}}, kNow);
  fleet.report_probe(0, {ProbeOutcome::well, {}, {}, "m"}, kNow);
  EXPECT_THAT(fleet.view(kNow).front().offers, ElementsAre("m", "n"));
}

TEST(Fleet, ALoadingMemberIsNotAskedAndOneWithoutAModelTakesTheFirstOffered) {
  auto config = member("only");
  config.model.clear();
  Fleet fleet({config}, {});
  fleet.report_probe(0, {ProbeOutcome::loading, "it loads", {}}, kNow);
  EXPECT_FALSE(fleet.plan(any_local(), kNow));
  EXPECT_EQ(fleet.view(kNow).front().status, BackendStatus::warming);
  fleet.report_probe(0, {ProbeOutcome::well, {}, {"found"}, "found"}, kNow);
  RouteQuestion question;
  question.model = "found";
  EXPECT_TRUE(fleet.plan(question, kNow));
  fleet.report_probe(0, {ProbeOutcome::well, {}, {"next"}, "next"}, kNow);
  EXPECT_EQ(fleet.plan(question, kNow).error().reason, "model_not_found");
  question.model = "next";
  EXPECT_TRUE(fleet.plan(question, kNow));
}

TEST(Fleet, AServerIsAskedForTheOneOfItsModelsThatWasNamed) {
  auto config = member("desk");
  config.aliases = {"gpt-4"};
  auto own = member("own", Tier::edge);
  own.embedded = true;
  Fleet fleet({config, own}, {});
  fleet.report_probe(0, {ProbeOutcome::well, {}, {"m", "coder"}, "m"}, kNow);
  RouteQuestion question;
  question.model = "coder";
  EXPECT_THAT(*fleet.plan(question, kNow), ElementsAre(0U));
  EXPECT_EQ(fleet.model_for(0, "coder"), "coder");
  for (const char* own_choice : {"", "auto", "local", "desk", "gpt-4"}) {
    EXPECT_EQ(fleet.model_for(0, own_choice), "") << own_choice;
  }
  EXPECT_EQ(fleet.model_for(1, "coder"), "");
}

TEST(Fleet, PlacesAreLimitedAndGivenOnInOrder) {
  auto config = member("only");
  config.max_concurrency = 1;
  config.max_queued = 1;
  Fleet fleet({config}, {});
  EXPECT_EQ(fleet.enter(0, 1), Verdict::admitted);
  EXPECT_EQ(fleet.enter(0, 2), Verdict::queued);
  EXPECT_EQ(fleet.enter(0, 3), Verdict::refused);
  EXPECT_EQ(fleet.view(kNow).front().running, 1U);
  EXPECT_EQ(fleet.view(kNow).front().queued, 1U);
  EXPECT_EQ(fleet.leave(0), 2U);
  EXPECT_FALSE(fleet.withdraw(0, 2));
  EXPECT_EQ(fleet.leave(0), std::nullopt);
  EXPECT_EQ(fleet.view(kNow).front().running, 0U);
}

TEST(Fleet, LoadCountsWhoRunsAndWhoWaits) {
  auto a = member("a");
  auto b = member("b");
  a.max_concurrency = 1;
  a.max_queued = 100;
  b.max_concurrency = 100;
  Fleet fleet({a, b}, {});
  for (std::uint64_t ticket = 1; ticket <= 50; ++ticket) fleet.enter(0, ticket);
  for (std::uint64_t prefix = 0; prefix < 20; ++prefix) {
    auto question = any_local();
    question.prefix_hash = prefix;
    EXPECT_EQ(fleet.plan(question, kNow)->front(), 1U);  // whatever the prefix prefers
  }
}

TEST(Fleet, AnAnswerClosesAHalfOpenBreakerAndCountsAsLife) {
  Fleet fleet({member("only")}, {});
  fail_once(fleet, 0);
  fail_once(fleet, 0);
  for (int i = 0; i < 2; ++i) {
    const auto permit = fleet.admit(0, kNow + 11s);
    ASSERT_TRUE(permit);
    EXPECT_FALSE(fleet.admit(0, kNow + 11s));  // one at a time
    fleet.report(*permit, CallOutcome::answered, kNow + 11s);
  }
  EXPECT_EQ(fleet.view(kNow + 11s).front().status, BackendStatus::ready);
  EXPECT_EQ(fleet.view(kNow + 11s).front().answered, 2U);
}

TEST(Fleet, LearnsFromTheOneBeforeWhatIsStillTrue) {
  const auto made = [](std::string name, std::string of) {
    MemberConfig config = member(std::move(name));
    config.max_concurrency = 1;
    config.made_of = std::move(of);
    return config;
  };
  Fleet before({made("stays", "1"), made("changes", "2"), made("nameless", "")}, {});
  for (std::size_t i = 0; i < 3; ++i) {
    fail_once(before, i);
    fail_once(before, i);
    EXPECT_EQ(before.enter(i, 1), Verdict::admitted);
  }
  ProbeReport report{ProbeOutcome::well, {}, {}};
  report.model = "learned";
  report.models = {"learned", "other"};
  before.report_probe(0, report, kNow);

  Fleet after({made("new", "3"), made("changes", "2b"), made("stays", "1"), made("nameless", "")}, {});
  EXPECT_EQ(after.find("1"), 2U);
  EXPECT_EQ(after.find("4"), std::nullopt);
  EXPECT_EQ(after.find(""), std::nullopt);
  after.learn_from(before);
  const auto views = after.view(kNow);
  const auto open = CircuitBreaker::State::open;
  const auto closed = CircuitBreaker::State::closed;
  EXPECT_EQ(views[0].breaker, closed);
  EXPECT_EQ(views[1].breaker, closed) << "with another configuration it may be well";
  EXPECT_EQ(views[2].breaker, open);
  EXPECT_EQ(views[3].breaker, closed);
  EXPECT_EQ(views[2].failed, 2U);
  EXPECT_EQ(views[2].model, "learned");
  EXPECT_THAT(views[2].offers, ElementsAre("learned", "other"));
  EXPECT_EQ(views[2].running, 0U) << "what is under way there is no concern of this one";
  EXPECT_EQ(after.enter(2, 7), Verdict::admitted);
  EXPECT_EQ(before.view(kNow)[0].running, 1U);
}

// A canary's engine: of its variant's queries only, and only where control would ask the engine that it
// replaces.
TEST(Fleet, AStandInAnswersForOneMemberInTheVariantAlone) {
  auto here = member("here", Tier::edge);
  here.embedded = true;
  auto other = member("here@c", Tier::edge);
  other.embedded = true;
  other.stands_in_for = 0;
  Fleet fleet({here, member("rack"), other}, {});
  RouteQuestion edge;
  edge.tier = Tier::edge;
  EXPECT_THAT(*fleet.plan(edge, kNow), ElementsAre(0U, 1U));
  EXPECT_TRUE(fleet.prefers_replaced(edge));
  EXPECT_FALSE(fleet.prefers_replaced(any_local()));
  RouteQuestion named;
  named.model = "here@c";
  EXPECT_EQ(fleet.plan(named, kNow).error().reason, "model_not_found");

  edge.variant = true;
  EXPECT_THAT(*fleet.plan(edge, kNow), ElementsAre(2U, 1U))
      << "after a failure as control's, but for its engine";
  RouteQuestion local = any_local();
  local.variant = true;
  EXPECT_THAT(*fleet.plan(local, kNow), ElementsAre(1U, 2U));
  EXPECT_FALSE(fleet.view(kNow)[2].takes_queries);
  EXPECT_TRUE(fleet.view(kNow)[0].takes_queries);

  fail_once(fleet, 2);
  fail_once(fleet, 2);
  EXPECT_THAT(*fleet.plan(edge, kNow), ElementsAre(1U)) << "control's would answer for it, unseen";
  EXPECT_THAT(*fleet.plan(edge, kNow + 10s), ElementsAre(2U, 1U));
  // Who takes part does not change with how control's engine is.
  fleet.report_probe(0, {ProbeOutcome::failed, "stands still", {}}, kNow);
  edge.variant = false;
  EXPECT_THAT(*fleet.plan(edge, kNow), ElementsAre(1U, 0U));
  EXPECT_TRUE(fleet.prefers_replaced(edge));
}

TEST(Fleet, AVariantMayBeRoutedOtherwise) {
  RoutingConfig own;
  own.local_from = 10;
  own.local_fallback = {};
  Fleet fleet({member("small", Tier::edge), member("large")}, {}, own);
  RouteQuestion question;
  question.complexity = 20;
  EXPECT_THAT(*fleet.plan(question, kNow), ElementsAre(0U, 1U));
  question.variant = true;
  EXPECT_THAT(*fleet.plan(question, kNow), ElementsAre(1U));
}

// Its file's name and its own count where nothing else is called so.
TEST(Fleet, AModelHereMayBeCalledByWhatItOffers) {
  auto here = member("here", Tier::edge);
  here.embedded = true;
  Fleet fleet({here, member("rack")}, {});
  fleet.set_present(0, true, "here", {"smol.q4", "rack", "qwen"});
  RouteQuestion question;
  question.model = "smol.q4";
  EXPECT_THAT(*fleet.plan(question, kNow), ElementsAre(0U));
  question.model = "rack";
  EXPECT_THAT(*fleet.plan(question, kNow), ElementsAre(1U));
  question.model = "qwen";
  fleet.report_probe(1, {ProbeOutcome::well, {}, {"qwen"}}, kNow);
  EXPECT_THAT(*fleet.plan(question, kNow), ElementsAre(1U)) << "a server has one of that name";
  question.tier = Tier::edge;
  EXPECT_THAT(*fleet.plan(question, kNow), ElementsAre(0U)) << "it is of another tier";
  question.tier.reset();
  question.require_local = true;
  EXPECT_THAT(*fleet.plan(question, kNow), ElementsAre(0U));
}

}  // namespace
}  // namespace sovereign::gateway
