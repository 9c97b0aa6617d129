// Text completions and embeddings through the gateway: who is asked, and what the client is told.
#include "server/openai/relay.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <functional>
#include <optional>
#include <utility>

#include "gateway/gateway.h"
#include "support/memory_exchange.h"

namespace sovereign::server::openai {
namespace {

using gateway::ApiRoute;
using gateway::Failure;
using gateway::GenerateRequest;
using gateway::GenerateSink;
using gateway::Tier;

constexpr const char* kText = R"({"model":"file.gguf","choices":[{"text":"Hi"}]})";

// Does what the test says with each request, at once.
class Acting final : public gateway::Backend {
 public:
  using Act = std::function<void(const GenerateRequest&, GenerateSink&)>;

  Acting(std::string name, Act act) : act_(std::move(act)) {
    identity_.model = name;
    identity_.digest = std::move(name);
  }
  const gateway::BackendIdentity& identity() const override { return identity_; }
  gateway::BackendCapabilities capabilities() const override { return {}; }
  gateway::outcome<std::uint64_t> generate(GenerateRequest request,
                                           std::shared_ptr<GenerateSink> sink) override {
    ++asked_;
    last_ = request;
    act_(request, *sink);
    if (hangs_) hanging_ = std::move(sink);
    return 1;
  }
  void cancel(std::uint64_t /*generation*/) noexcept override {
    cancelled_ = true;
    if (const auto sink = std::exchange(hanging_, nullptr)) sink->on_failure({ErrorCode::cancelled, "left"});
  }

  void hangs() { hangs_ = true; }
  int asked() const { return asked_; }
  bool cancelled() const { return cancelled_; }
  const GenerateRequest& last() const { return last_; }

 private:
  gateway::BackendIdentity identity_;
  const Act act_;
  bool hangs_ = false;
  std::shared_ptr<GenerateSink> hanging_;
  std::atomic<int> asked_{0};
  std::atomic<bool> cancelled_{false};
  GenerateRequest last_;
};

void tell(GenerateSink& sink, std::string text) {
  engine::GenerationDelta delta;
  delta.text = std::move(text);
  sink.on_delta(std::move(delta));
}
Acting::Act says(std::vector<std::string> texts) {
  return [texts = std::move(texts)](const GenerateRequest&, GenerateSink& sink) {
    sink.on_begin(nullptr);
    for (const auto& text : texts) tell(sink, text);
    sink.on_done({});
  };
}
Acting::Act fails(Failure failure) {
  return [failure = std::move(failure)](const GenerateRequest&, GenerateSink& sink) {
    sink.on_failure(failure);
  };
}

class RelayTest : public ::testing::Test {
 protected:
  void TearDown() override { gateway_.reset(); }

  std::shared_ptr<Acting> add(const std::string& name, Tier tier, Acting::Act act, bool embedded = false) {
    gateway::MemberConfig member;
    member.name = name;
    member.model = "m-" + name;
    member.tier = tier;
    member.embedded = embedded;
    const auto backend = std::make_shared<Acting>("m-" + name, std::move(act));
    if (members_.empty()) first_ = backend;
    members_.push_back({member, backend});
    return backend;
  }
  void open(bool embedded = false) {
    gateway_ = gateway::Gateway::create(
        std::move(members_), {}, clock_,
        [this](std::function<void()> job) { asio::post(workers_.executor(), std::move(job)); },
        [](Time, const std::function<void()>&) {});
    Serving serving;
    serving.gateway = gateway_;
    serving.embedded = embedded;
    if (embedded) {
      serving.models.push_back(
          std::make_shared<const ServedModel>(ServedModel{.id = "here", .aliases = {"its-file"}}));
      gateway_->set_backend(0, first_, {"its-file"});
    }
    serving_.set(std::make_shared<const Serving>(std::move(serving)));
  }
  Handler handler(ApiRoute route) {
    const auto api = std::make_shared<const ApiContext>(
        ApiContext{serving_, workers_, clock_, metrics_, config_, pipeline_});
    return relayed(api, route, [this](Exchange& exchange, LocalAsk ask) {
      local_ = std::move(ask);
      HttpResponse response;
      response.body = R"({"local":true})";
      return exchange.respond(std::move(response));
    });
  }
  HttpResponse post(const std::string& body, ApiRoute route = ApiRoute::completions) {
    MemoryExchange exchange({.method = "POST", .body = body});
    exchange.run(handler(route));
    EXPECT_TRUE(exchange.response().has_value()) << body;
    return exchange.response().value_or(HttpResponse{});
  }
  std::vector<std::string> post_stream(const std::string& body) {
    MemoryExchange exchange({.method = "POST", .body = body});
    exchange.run(handler(ApiRoute::completions));
    EXPECT_TRUE(exchange.stream_ended()) << (exchange.response() ? exchange.response()->body : "no answer");
    return exchange.events();
  }
  static std::string code_of(const HttpResponse& response) {
    return std::string(boost::json::parse(response.body).at("error").at("code").as_string());
  }

  SteadyClock clock_;
  WorkerPool workers_{1};
  HttpMetrics metrics_;
  ServerConfig config_;
  PipelineSlot pipeline_;
  ServingSlot serving_;
  std::vector<gateway::GatewayMember> members_;
  std::shared_ptr<Acting> first_;
  std::shared_ptr<gateway::Gateway> gateway_;
  std::optional<LocalAsk> local_;
};

TEST_F(RelayTest, WithoutAGatewayAllIsAnsweredHere) {
  EXPECT_EQ(post("not even JSON").body, R"({"local":true})") << "who answers reads it";
  ASSERT_TRUE(local_);
  EXPECT_EQ(local_->model, "");
}

TEST_F(RelayTest, AWholeAnswerComesWithTheBackendsNameOfTheModel) {
  const auto desk = add("desk", Tier::local, says({kText}));
  open();
  const auto response = post(R"({"model":"desk","prompt":"Hi","timeout":5,"top_p":0.50})");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, R"({"model":"m-desk","choices":[{"text":"Hi"}]})");
  EXPECT_EQ(desk->last().relay->rest, R"(,"prompt":"Hi","top_p":0.50})");
  EXPECT_TRUE(desk->last().whole);
  ASSERT_TRUE(desk->last().deadline);
  EXPECT_LE(*desk->last().deadline, clock_.now() + std::chrono::seconds(5));
  EXPECT_FALSE(local_);
}

TEST_F(RelayTest, AStreamComesEventByEvent) {
  add("desk", Tier::local, says({kText, "{\"model\":\"x\",\n\"n\":2}"}));
  open();
  EXPECT_EQ(post_stream(R"({"stream":true,"prompt":"Hi"})"),
            (std::vector<std::string>{R"({"model":"m-desk","choices":[{"text":"Hi"}]})",
                                      R"({"model":"m-desk", "n":2})", "[DONE]"}));
}

TEST_F(RelayTest, WhoAnswersInAnothersPlaceIsNamed) {
  add("desk", Tier::local, fails({ErrorCode::unavailable, "down"}));
  add("rack", Tier::pool, says({kText}));
  open();
  EXPECT_NE(post(R"({"prompt":"Hi"})").body.find("m-rack"), std::string::npos);
  EXPECT_NE(post_stream(R"({"prompt":"Hi","stream":true})").front().find("m-rack"), std::string::npos);
}

TEST_F(RelayTest, FailuresHaveTheStatusThatChatsGiveThem) {
  Failure full(ErrorCode::resource_exhausted, "full");
  full.retry_after = std::chrono::seconds(7);
  add("desk", Tier::local, fails({ErrorCode::unavailable, "down"}));
  add("rack", Tier::pool, fails(full));
  add("bad", Tier::edge, fails({ErrorCode::invalid_argument, "'suffix' is odd", "suffix", "odd"}));
  open();
  const auto down = post(R"({"model":"desk","prompt":"Hi","stream":true})");
  EXPECT_EQ(down.status, 503U);
  EXPECT_EQ(code_of(down), "no_backend");
  EXPECT_EQ(post(R"({"model":"rack","prompt":"Hi"})").status, 429U);
  const auto bad = post(R"({"prompt":"Hi"})");
  EXPECT_EQ(bad.status, 400U) << "wrong everywhere, so nobody else is asked";
  EXPECT_EQ(code_of(bad), "odd");
  EXPECT_EQ(post(R"({"model":"gpt-9","prompt":"Hi"})").status, 404U);
  EXPECT_EQ(post(R"({"tier":"moon","prompt":"Hi"})").status, 400U);
  EXPECT_EQ(post("{").status, 400U);
}

TEST_F(RelayTest, WhatBrokeOffBeforeTheClientWasToldIsAStatus) {
  add("desk", Tier::local, [](const GenerateRequest&, GenerateSink& sink) {
    sink.on_begin(nullptr);
    tell(sink, kText);
    sink.on_failure({ErrorCode::unavailable, "it died"});
  });
  open();
  const auto response = post(R"({"prompt":"Hi","stream":true})");
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(code_of(response), "backend_broke_off");
}

TEST_F(RelayTest, VectorsAreAskedOfTheNextOnceNobodyHasTheRoute) {
  const Failure missing(ErrorCode::unsupported, "no such route", {}, std::string(gateway::kRouteMissing));
  const auto first = add("first", Tier::edge, fails(missing));
  const auto second = add("second", Tier::local, says({R"({"data":[],"model":"x"})"}));
  open();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(post(R"({"input":"a"})", ApiRoute::embeddings).body, R"({"data":[],"model":"m-second"})");
  }
  EXPECT_EQ(first->asked(), 1);
  EXPECT_EQ(second->asked(), 3);
  const auto none = post(R"({"model":"first","input":"a"})", ApiRoute::embeddings);
  EXPECT_EQ(none.status, 400U);
  EXPECT_EQ(code_of(none), gateway::kRouteMissing);
}

TEST_F(RelayTest, VectorsOfAnotherModelAreNoFallback) {
  add("first", Tier::edge, fails({ErrorCode::unavailable, "down"}));
  const auto second = add("second", Tier::local, says({R"({"data":[]})"}));
  open();
  EXPECT_EQ(post(R"({"input":["a","b"]})", ApiRoute::embeddings).status, 503U);
  EXPECT_EQ(second->asked(), 0);
}

TEST_F(RelayTest, WhoLeavesItOpenHasTheModelHere) {
  add("here", Tier::edge, fails({ErrorCode::internal, "never asked"}), true);
  const auto desk = add("desk", Tier::local, says({kText}));
  open(true);
  for (const char* body : {R"({"prompt":"Hi"})", R"({"model":"auto","prompt":"Hi","require_local":true})"}) {
    EXPECT_EQ(post(body).body, R"({"local":true})");
    EXPECT_EQ(local_->model, "") << "as the request says";
  }
  EXPECT_EQ(post(R"({"model":"here","prompt":"Hi"})").body, R"({"local":true})");
  EXPECT_EQ(local_->model, "here");
  EXPECT_EQ(post(R"({"model":"edge","prompt":"Hi"})").body, R"({"local":true})");
  EXPECT_EQ(post(R"({"model":"its-file","prompt":"Hi"})").body, R"({"local":true})");
  EXPECT_EQ(local_->model, "here");
  EXPECT_EQ(desk->asked(), 0);
  EXPECT_NE(post(R"({"model":"local","prompt":"Hi"})").body.find("m-desk"), std::string::npos);
  EXPECT_EQ(code_of(post(R"({"model":"desk","prompt":"Hi","require_local":true})")), "require_local");
  EXPECT_EQ(desk->asked(), 1);
}

TEST_F(RelayTest, TheModelHereStandsInForATierThatIsDownInTheTimeThatIsLeft) {
  add("here", Tier::edge, fails({ErrorCode::internal, "never asked"}), true);
  add("rack", Tier::pool, fails({ErrorCode::unavailable, "down"}));
  open(true);
  EXPECT_EQ(post(R"({"tier":"pool","prompt":"Hi","timeout":9})").body, R"({"local":true})");
  EXPECT_EQ(local_->model, "here");
  ASSERT_TRUE(local_->deadline);
  EXPECT_LE(*local_->timeout(std::chrono::hours(1), clock_.now()), std::chrono::seconds(9));
  local_.reset();
  EXPECT_EQ(post(R"({"tier":"pool","input":"Hi"})", ApiRoute::embeddings).status, 503U);
  EXPECT_EQ(post(R"({"model":"rack","prompt":"Hi"})").status, 503U) << "who is named is not replaced";
  EXPECT_FALSE(local_);
}

TEST_F(RelayTest, NumbersOfTokensNeedAModel) {
  const auto desk = add("desk", Tier::local, says({kText}));
  open();
  EXPECT_EQ(post(R"({"prompt":[1,2]})").status, 400U);
  EXPECT_EQ(post(R"({"input":[1,2]})", ApiRoute::embeddings).status, 400U);
  EXPECT_EQ(desk->asked(), 0);
  EXPECT_EQ(post(R"({"model":"desk","prompt":[1,2]})").status, 200U);
}

TEST_F(RelayTest, AClientThatLeavesEndsTheCall) {
  const auto desk = add("desk", Tier::local, [](const GenerateRequest&, GenerateSink& sink) {
    sink.on_begin(nullptr);
    tell(sink, kText);
  });
  desk->hangs();
  open();
  MemoryExchange exchange({.method = "POST", .body = R"({"prompt":"Hi","stream":true})"});
  exchange.disconnect_after(0);
  exchange.run(handler(ApiRoute::completions));
  EXPECT_TRUE(desk->cancelled());
  EXPECT_TRUE(gateway_->idle());
}

TEST_F(RelayTest, NobodyWaitsLongerThanItsTime) {
  const auto desk = add("desk", Tier::local, [](const GenerateRequest&, GenerateSink&) {});
  desk->hangs();
  open();
  EXPECT_EQ(post(R"({"prompt":"Hi","timeout":0.01})").status, 504U);
  EXPECT_TRUE(desk->cancelled());
}

TEST_F(RelayTest, WhereReceiptsAreWantedNothingIsRelayed) {
  const auto desk = add("desk", Tier::local, says({kText}));
  open();
  MemoryExchange exchange(
      {.method = "POST", .body = R"({"prompt":"Hi"})", .headers = {{"X-Sovereign-Receipt", "true"}}});
  exchange.run(handler(ApiRoute::completions));
  EXPECT_EQ(exchange.response()->status, 400U);
  EXPECT_EQ(desk->asked(), 0);
}

}  // namespace
}  // namespace sovereign::server::openai
