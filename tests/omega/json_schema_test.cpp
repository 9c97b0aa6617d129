#include "omega/json_schema.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace sovereign::omega {
namespace {

bool matches(std::string_view value, std::string_view schema) {
  return matches_schema(boost::json::parse({value.data(), value.size()}),
                        boost::json::parse({schema.data(), schema.size()}));
}

struct Case {
  std::string_view schema;
  std::string_view good;
  std::string_view bad;
};

TEST(JsonSchema, EachKeywordLetsTheGoodInAndKeepsTheBadOut) {
  const Case cases[] = {
      {R"({"type":"string"})", R"("a")", "1"},
      {R"({"type":"integer"})", "3.0", "3.5"},
      {R"({"type":"number"})", "3.5", R"("3.5")"},
      {R"({"type":"boolean"})", "true", "0"},
      {R"({"type":["string","null"]})", "null", "1"},
      {R"({"const":{"a":[1]}})", R"({"a":[1.0]})", R"({"a":[2]})"},
      {R"({"enum":["red",3,null]})", "3", R"("blue")"},
      {R"({"required":["a"]})", R"({"a":1})", "{}"},
      {R"({"properties":{"a":{"type":"null"}}})", R"({"a":null,"b":2})", R"({"a":2})"},
      {R"({"properties":{"a":true},"additionalProperties":false})", R"({"a":2})", R"({"a":2,"b":3})"},
      {R"({"additionalProperties":{"type":"string"}})", R"({"a":"x"})", R"({"a":2})"},
      {R"({"minProperties":1,"maxProperties":2})", R"({"a":1})", R"({"a":1,"b":2,"c":3})"},
      {R"({"items":{"type":"number"}})", "[1,2]", R"([1,"2"])"},
      {R"({"prefixItems":[{"type":"string"}],"items":{"type":"number"}})", R"(["a",1])", R"([1,1])"},
      {R"({"minItems":1,"maxItems":2})", "[1]", "[1,2,3]"},
      {R"({"uniqueItems":true})", "[1,2]", "[1,1.0]"},
      {R"({"minLength":2,"maxLength":3})", "\"\xC3\xA4\xC3\xB6\"", "\"\xC3\xA4\""},
      {R"({"minimum":1,"exclusiveMaximum":3})", "2", "3"},
      {R"({"multipleOf":5})", "15", "16"},
      {R"({"allOf":[{"type":"number"},{"minimum":1}]})", "2", "0"},
      {R"({"anyOf":[{"type":"null"},{"minimum":1}]})", "null", "0"},
      {R"({"oneOf":[{"type":"number"},{"minimum":5}]})", "2", "6"},
      {R"({"not":{"type":"null"}})", "1", "null"},
      {R"({"$defs":{"n":{"type":"number"}},"items":{"$ref":"#/$defs/n"}})", "[1]", "[true]"},
      {R"({"properties":{"next":{"$ref":"#"}},"additionalProperties":false})", R"({"next":{"next":{}}})",
       R"({"next":{"other":1}})"},
  };
  for (const Case& c : cases) {
    EXPECT_TRUE(matches(c.good, c.schema)) << c.schema << " should accept " << c.good;
    EXPECT_FALSE(matches(c.bad, c.schema)) << c.schema << " should refuse " << c.bad;
  }
}

TEST(JsonSchema, WhatIsNotCheckedPasses) {
  EXPECT_TRUE(matches(R"("x")", R"({"pattern":"^y$","format":"date"})"));
  EXPECT_TRUE(matches(R"({"a1":1})", R"({"patternProperties":{"^a":true},"additionalProperties":false})"));
  EXPECT_TRUE(matches("1", R"({"$ref":"https://elsewhere"})"));
}

TEST(JsonSchema, EndlessReferencesEnd) {
  EXPECT_FALSE(matches("1", R"({"$ref":"#"})"));
  EXPECT_FALSE(matches("1", R"({"$ref":"#/nowhere"})"));
  EXPECT_FALSE(matches("1", R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}]})"));  // 2^64 ways
  EXPECT_FALSE(matches("1", R"({"not":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}})"));
}

}  // namespace
}  // namespace sovereign::omega
