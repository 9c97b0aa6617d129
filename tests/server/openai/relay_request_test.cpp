#include "server/openai/relay_request.h"

#include <gtest/gtest.h>

#include "server/openai/relay_answer_text.h"

namespace sovereign::server::openai {
namespace {

using gateway::ApiRoute;
using std::chrono::milliseconds;

TEST(RelayRequest, WhatTheGatewayHasToKnowIsRead) {
  const auto request = read_relay_request(
      R"({"model":"m","tier":"pool","require_local":true,"timeout":1.5,"stream":true,"prompt":"Hi"})",
      ApiRoute::completions);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->model, "m");
  EXPECT_EQ(request->routing.tier, gateway::Tier::pool);
  EXPECT_TRUE(request->routing.require_local);
  EXPECT_EQ(request->timeout, milliseconds(1500));
  EXPECT_TRUE(request->stream);
  EXPECT_EQ(request->names_tokens, "");
  EXPECT_FALSE(read_relay_request(R"({"stream":true,"input":"a"})", ApiRoute::embeddings)->stream);
}

TEST(RelayRequest, WhatIsWrongWithItIsNamed) {
  const auto where = [](std::string_view body) {
    const auto request = read_relay_request(body, ApiRoute::completions);
    return request ? std::string("nothing") : request.error().where;
  };
  EXPECT_EQ(where(R"({"tier":"moon"})"), "tier");
  EXPECT_EQ(where(R"({"model":3})"), "model");
  EXPECT_EQ(where(R"({"timeout":0})"), "timeout");
  EXPECT_EQ(where(R"({"stream":"yes"})"), "stream");
  EXPECT_FALSE(read_relay_request("{", ApiRoute::completions));
}

TEST(RelayRequest, NumbersOfTokensAreSeen) {
  const auto tokens = [](std::string_view body, ApiRoute route = ApiRoute::completions) {
    return read_relay_request(body, route)->names_tokens;
  };
  EXPECT_EQ(tokens(R"({"prompt":[1,2]})"), "prompt");
  EXPECT_EQ(tokens(R"({"prompt":["a",[1]]})"), "prompt");
  EXPECT_EQ(tokens(R"({"prompt":["a"]})"), "");
  EXPECT_EQ(tokens(R"({"prompt":"a","logit_bias":{"5":1}})"), "logit_bias");
  EXPECT_EQ(tokens(R"({"input":[[1]]})", ApiRoute::embeddings), "input");
}

TEST(RelayRequest, TheRestGoesOnAsItIsWrittenAndOurFieldsStay) {
  const std::string body =
      R"({"prompt":"Hi","model":"desk", "timeout":3,"tier":"pool","require_local":false,"cache":"off",)"
      R"("cache_ttl":4,"receipt":true,"top_p":0.90, "x":{"model":"y"},"m\u006fdel":"z","user":"u"})";
  const auto request = read_relay_request(body, ApiRoute::completions);
  ASSERT_TRUE(request);
  const auto relay = make_relay(body, *request, ApiRoute::completions);
  EXPECT_EQ(relay->rest, R"(,"prompt":"Hi","top_p":0.90,"x":{"model":"y"},"user":"u"})");
  EXPECT_EQ(relay->route, ApiRoute::completions);
  EXPECT_FALSE(relay->stream);
  EXPECT_EQ(make_relay("{}", {}, ApiRoute::embeddings)->rest, "}");
}

TEST(RelayAnswerText, TheModelIsTheBackendsAndAnEventIsOneLine) {
  EXPECT_EQ(relayed_body("{\"model\":\"/data/x.gguf\",\n\"a\":0.10}", "say \"m\""),
            "{\"model\":\"say \\\"m\\\"\",\n\"a\":0.10}");
  EXPECT_EQ(relayed_event("{\"model\":\"x\",\r\n\"a\":\"\\n\"}", "m"), "{\"model\":\"m\",  \"a\":\"\\n\"}");
}

}  // namespace
}  // namespace sovereign::server::openai
