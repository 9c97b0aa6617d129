#include "engine/schema_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/chat_format.h"
#include "engine/schema_pattern.h"

namespace sovereign::engine {
namespace {

using ::testing::HasSubstr;

std::string refusal_of(const std::string& schema) {
  const auto checked = check_schema(schema, true);
  if (checked) return "accepted";
  EXPECT_EQ(checked.error().where, "response_format");
  return checked.error().message;
}

TEST(SchemaCheckTest, WhatAGrammarCanSayIsAccepted) {
  for (
      const char* const schema : {
          R"({})",
          R"({"type":"object","title":"T","properties":{"a":{"type":"string","description":"d"}},"required":["a"]})",
          R"({"type":"object","properties":{"a":{"type":"integer","minimum":0,"exclusiveMaximum":10}},"additionalProperties":false})",
          R"({"type":"array","items":{"type":"string","minLength":1,"maxLength":9},"minItems":5000})",
          R"({"type":"string","minLength":100000})",
          R"({"prefixItems":[{"type":"number"},{"type":"null"}]})",
          R"({"anyOf":[{"type":"string","format":"date"},{"const":4}],"default":4})",
          R"({"type":["string","null"],"maxLength":3})",
          R"({"enum":["a",1,null]})",
          R"({"type":"string","enum":["a","b"]})",
          R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"}}}}})",
          R"({"allOf":[{"$ref":"#/definitions/A"}],"description":"as Pydantic writes it","definitions":{"A":{"enum":["x"]}}})",
          R"({"allOf":[{"type":"object","properties":{"a":{"type":"null"}}},{"properties":{"b":{"type":"null"}}}]})",
          R"({"type":"string","pattern":"^[a-z]{2,4}(-[0-9]+)?$"})",
          R"({"type":"number","x-note":"unknown words constrain nothing","format":"double"})",
      }) {
    EXPECT_EQ(refusal_of(schema), "accepted") << schema;
    EXPECT_TRUE(json_schema_to_gbnf(schema)) << schema;
  }
}

TEST(SchemaCheckTest, WhatWouldBeLostIsNamedWithItsPlace) {
  const auto refused = [](const char* schema, const char* words) {
    EXPECT_THAT(refusal_of(schema), HasSubstr(words)) << schema;
  };
  refused(R"({"properties":{"age":{"type":"number","minimum":0}}})", "'minimum' at '#/properties/age'");
  refused(R"({"type":"array","uniqueItems":true})", "'uniqueItems' at '#'");
  refused(R"({"type":"object","minProperties":1})", "'minProperties'");
  refused(R"({"type":"string","pattern":"a+"})", "'pattern' at '#' must begin with '^'");
  refused(R"({"type":"string","pattern":"^a$","minLength":2})", "'minLength'");
  refused(R"({"type":"string","format":"uuid","maxLength":2})", "'maxLength'");
  refused(R"({"type":"integer","multipleOf":5})", "'multipleOf'");
  refused(R"({"type":"integer","minimum":5,"maximum":4})", "leave no number");
  refused(R"({"type":"integer","minimum":-9223372036854775808})", "2^53");
  refused(R"({"type":"string","minLength":5,"maxLength":4})",
          "'minLength' at '#' is larger than 'maxLength'");
  refused(R"({"type":"string","minLength":100001})", "from 0 to 100000");
  refused(R"({"type":"object","properties":{"a":{"type":"null"}},"required":["b"]})", "'required' at '#'");
  refused(R"({"type":"object","anyOf":[{"required":["a"]}]})", "beside 'anyOf'");
  refused(R"({"not":{"type":"null"}})", "'not'");
  refused(R"({"if":{"type":"null"}})", "'if'");
  refused(R"({"type":"object","patternProperties":{"a":{}}})", "'patternProperties'");
  refused(R"({"minimum":4})", "'minimum' at '#' needs a 'type'");
  refused(R"({"type":"string","enum":["a",1]})", "'enum' at '#'");
  refused(R"({"type":"integer","const":"x"})", "'const' at '#'");
  refused(R"({"allOf":[{"type":"string","minLength":3}]})", "'#/allOf/0' is not enforced");
  refused(R"({"allOf":[{"properties":{"a":{}}},{"properties":{"a":{}}}]})", "'a' is in several members");
  refused(R"({"prefixItems":[{"type":"null"}],"items":{"type":"null"}})", "'prefixItems'");
  refused(R"({"prefixItems":[{"type":"null"}],"minItems":3})", "minItems");
  refused(R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}})",
          "leads nowhere");
  refused(R"({"$ref":"other.json"})", "'$ref' at '#'");
  refused(R"({"properties":{"a":true}})", "'#/properties/a' must be an object");
}

TEST(SchemaCheckTest, AWishIsOnlyBounded) {
  EXPECT_TRUE(check_schema(R"({"type":"array","uniqueItems":true,"not":{}})", false));
  EXPECT_FALSE(check_schema(R"({"$ref":"#/a","a":{"$ref":"#/a"}})", false));
}

TEST(SchemaCheckTest, WhatTheConverterRecursesOverIsBounded) {
  std::string wide = R"({"properties":{)";
  for (int i = 0; i < 2000; ++i) wide += (i > 0 ? ",\"" : "\"") + std::to_string(i) + R"(":{})";
  EXPECT_THAT(refusal_of(wide + "}}"), HasSubstr("more than 1000 members"));
  EXPECT_THAT(refusal_of(R"({"properties":{")" + std::string(10'000, 'a') + R"(":{}}})"),
              HasSubstr("longer than 128"));
  std::string chain = R"({"$ref":"#/$defs/0","$defs":{)";
  for (int i = 0; i < 2000; ++i) {
    chain += (i > 0 ? ",\"" : "\"") + std::to_string(i) + R"(":{"type":"array","items":{"$ref":"#/$defs/)" +
             std::to_string(i + 1) + "\"}}";
  }
  EXPECT_THAT(refusal_of(chain + R"(,"2000":{}}})"), HasSubstr("nested more than 256"));
}

TEST(SchemaPatternTest, OnlyWhatTheConverterKeepsIsEnforced) {
  for (const char* const pattern :
       {"^abc$", "^(a|b)+$", "^[A-Za-z0-9_-]{1,20}$", "^a\\.b\\?$", "^(?:x|yz){2}$", "^é*$"}) {
    EXPECT_EQ(why_not_enforced(pattern), std::nullopt) << pattern;
  }
  for (const char* const pattern : {"abc",      "^abc",  "abc$",    "^a|b$",   "^.*$", "^[^a]$",  "^\\d+$",
                                    "^(?=a)b$", "^a$b$", "^[ -~]$", "^[A-z]$", "^\"$", "^a\\\\$", "^(a$",
                                    "^a)$",     "^[a$",  "^a{2$",   "^a{x}$",  "^[]$", "^[\\]]$", ""}) {
    EXPECT_NE(why_not_enforced(pattern), std::nullopt) << pattern;
  }
}

}  // namespace
}  // namespace sovereign::engine
