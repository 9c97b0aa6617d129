#include "omega/signals/format_compliance.h"

#include <gtest/gtest.h>

#include <string>

namespace sovereign::omega {
namespace {

TEST(FormatCompliance, ChecksJson) {
  EXPECT_EQ(format_compliance(" [1, 2]\n", AnswerFormat::json, ""), 1.0);
  EXPECT_EQ(format_compliance("Here it is: [1, 2]", AnswerFormat::json, ""), 0.0);
  EXPECT_EQ(format_compliance("```json\n[1, 2]\n```", AnswerFormat::json, ""), 0.0);
  EXPECT_EQ(format_compliance("{'a': 1}", AnswerFormat::json, ""), 0.0);
  EXPECT_EQ(format_compliance("", AnswerFormat::json, ""), 0.0);
}

TEST(FormatCompliance, AnObjectIsNotJustAnyValue) {
  EXPECT_EQ(format_compliance("{\"a\": 1}", AnswerFormat::json_object, ""), 1.0);
  EXPECT_EQ(format_compliance("[1]", AnswerFormat::json_object, ""), 0.0);
}

TEST(FormatCompliance, ChecksTheSchema) {
  constexpr std::string_view kSchema =
      R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})";
  EXPECT_EQ(format_compliance(R"({"name":"Ada"})", AnswerFormat::json_schema, kSchema), 1.0);
  EXPECT_EQ(format_compliance(R"({"name":3})", AnswerFormat::json_schema, kSchema), 0.0);
  EXPECT_EQ(format_compliance(R"({})", AnswerFormat::json_schema, kSchema), 0.0);
  EXPECT_EQ(format_compliance(R"({"name":)", AnswerFormat::json_schema, kSchema), 0.0);
}

TEST(FormatCompliance, IsUnmeasuredWhereNothingWasAskedFor) {
  EXPECT_EQ(format_compliance("anything", AnswerFormat::free, ""), std::nullopt);
  EXPECT_EQ(format_compliance("{}", AnswerFormat::json_schema, "not a schema"), std::nullopt);
}

TEST(FormatCompliance, DepthIsBounded) {
  EXPECT_EQ(format_compliance(std::string(200, '[') + std::string(200, ']'), AnswerFormat::json, ""), 1.0);
  EXPECT_EQ(format_compliance(std::string(100'000, '['), AnswerFormat::json, ""), 0.0);
}

}  // namespace
}  // namespace sovereign::omega
