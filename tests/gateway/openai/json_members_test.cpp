#include "gateway/openai/json_members.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <random>

namespace sovereign::gateway {
namespace {

namespace json = boost::json;

TEST(JsonMembers, AreSlicesOfTheTextAsItIsWritten) {
  const auto members =
      json_members(" {\"a\" : 1.50e3 , \"b\":[1, {\"c\":\"]}\\\"\"}] ,\n\"d\":\"x,}\", \"e\":null}\n");
  ASSERT_TRUE(members);
  ASSERT_EQ(members->size(), 4U);
  EXPECT_EQ((*members)[0].value, "1.50e3") << "not as a parser would write it";
  EXPECT_EQ((*members)[1].key, "\"b\"");
  EXPECT_EQ((*members)[1].value, "[1, {\"c\":\"]}\\\"\"}]");
  EXPECT_EQ((*members)[2].value, "\"x,}\"");
  EXPECT_EQ(find_member(*members, "d")->name, "d");
  EXPECT_EQ(find_member(*members, "e"), nullptr) << "null is as good as absent";
  EXPECT_EQ(find_member(*members, "c"), nullptr) << "nested";
  EXPECT_TRUE(json_members("{}"));
}

TEST(JsonMembers, WhatIsNoObjectHasNone) {
  for (const char* text : {"", " ", "[]", "1", "\"a\"", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,}",
                           "{\"a\":1}x", "{a:1}", "{\"a\":\"}", "{\"a\":[1}", "{\"a\":1 2}", "{\"a\\"}) {
    EXPECT_FALSE(json_members(text)) << text;
  }
}

// Another spelling would let a client's name of a model past its replacement.
TEST(JsonMembers, NamesAreComparedByWhatTheyMean) {
  EXPECT_EQ(replace_member(R"({"mod\u0065l":"a","b":{"model":"c"},"model":"d"})", "model", "\"m\""),
            R"({"mod\u0065l":"m","b":{"model":"c"},"model":"m"})");
  EXPECT_EQ(replace_member(R"({"b":1})", "model", "\"m\""), R"({"b":1})");
  EXPECT_EQ(replace_member("no object", "model", "\"m\""), "no object");
}

json::value any_value(std::mt19937& random, int depth) {
  const auto kind = random() % (depth > 0 ? 6 : 4);
  if (kind == 0) return nullptr;
  if (kind == 1) return static_cast<std::int64_t>(random());
  if (kind == 2) return random() % 2 == 0;
  if (kind == 3) {
    constexpr std::string_view kCharacters = "a\"\\{}[],: \n";
    std::string text;
    for (auto i = random() % 8; i > 0; --i) text += kCharacters[random() % kCharacters.size()];
    return json::value(text);
  }
  if (kind == 4) {
    json::array items;
    for (auto i = random() % 4; i > 0; --i) items.push_back(any_value(random, depth - 1));
    return items;
  }
  json::object object;
  for (auto i = random() % 4; i > 0; --i) object["\\\"k" + std::to_string(i)] = any_value(random, depth - 1);
  return object;
}

TEST(JsonMembers, AgreeWithAParserOnAnyObject) {
  std::mt19937 random(20261127);
  for (int round = 0; round < 2000; ++round) {
    json::object object;
    for (auto i = random() % 5; i > 0; --i) object["k\"" + std::to_string(i)] = any_value(random, 3);
    const std::string text = json::serialize(object);
    const auto members = json_members(text);
    ASSERT_TRUE(members) << text;
    ASSERT_EQ(members->size(), object.size()) << text;
    for (const auto& member : *members) {
      EXPECT_EQ(json::parse(std::string(member.value)), object.at(member.name)) << text;
    }
  }
}

}  // namespace
}  // namespace sovereign::gateway
