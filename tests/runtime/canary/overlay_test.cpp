#include "runtime/canary/overlay.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace sovereign::runtime {
namespace {

namespace json = boost::json;

TEST(Overlay, ChangesDefaultsAndNotWhatTheClientSaid) {
  CanaryOverlay overlay;
  overlay.temperature = 0.25;
  overlay.top_k = 7;
  overlay.max_tokens = 100;
  SovereignQuery query;
  query.sampling.temperature = 1;
  query.sampling.top_k = 40;
  query.given.top_k = true;
  apply_overlay(overlay, query);
  EXPECT_FLOAT_EQ(query.sampling.temperature, 0.25F);
  EXPECT_EQ(query.sampling.top_k, 40);
  EXPECT_EQ(query.max_tokens, 100U);
}

TEST(Overlay, PutsItsTextBeforeTheSystemMessage) {
  CanaryOverlay overlay;
  overlay.system = "Be brief.";
  SovereignQuery query;
  query.content = "Why?";
  apply_overlay(overlay, query);
  EXPECT_EQ(query.system, "Be brief.");
  apply_overlay(overlay, query);
  EXPECT_EQ(query.system, "Be brief.\n\nBe brief.");

  SovereignQuery chat;
  chat.chat.messages_json = R"([{"role":"user","content":"Why?"}])";
  apply_overlay(overlay, chat);
  EXPECT_EQ(json::parse(chat.chat.messages_json),
            json::parse(R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Why?"}])"));
  chat.chat.messages_json =
      R"([{"role":"system","content":"You are a cat."},{"role":"user","content":"Why?"}])";
  apply_overlay(overlay, chat);
  EXPECT_EQ(json::parse(chat.chat.messages_json).at(0).at("content"), "Be brief.\n\nYou are a cat.");
  EXPECT_EQ(json::parse(chat.chat.messages_json).as_array().size(), 2U);
}

TEST(Overlay, NothingIsNothing) {
  SovereignQuery query;
  query.chat.messages_json = "[]";
  query.sampling.temperature = 0.5;
  apply_overlay({}, query);
  EXPECT_EQ(query.chat.messages_json, "[]");
  EXPECT_FLOAT_EQ(query.sampling.temperature, 0.5F);
  EXPECT_TRUE(query.system.empty());
}

}  // namespace
}  // namespace sovereign::runtime
