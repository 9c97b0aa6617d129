#include "runtime/quality_json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace sovereign::runtime {
namespace {

boost::json::value parsed(const Quality& quality, QualityDetail detail) {
  std::string text;
  append_quality_json(text, quality, detail);
  return boost::json::parse(text);
}

Quality sample() {
  Quality quality;
  omega::Assessment& assessment = quality.assessment;
  assessment.readings[omega::Signal::likelihood] = {-1.23456, 0.75};
  assessment.vector.set(omega::Dimension::truthfulness, 0.75);
  assessment.vector.set(omega::Dimension::patience, 1);
  assessment.state = {0.8, 0.25, -0.5, 0.3};
  assessment.score = 0.79996;
  assessment.findings = {{omega::FindingKind::email, 3, 12}};
  quality.shortfalls = {{"score", 0.79996, 0.95}, {"justice", std::nullopt, 0}};
  quality.judge_reason = "a \"bad\" one";
  return quality;
}

TEST(QualityJson, SaysAllThereIs) {
  const auto json = parsed(sample(), QualityDetail::full);
  EXPECT_EQ(json.at("score").to_number<double>(), 0.8);
  EXPECT_FALSE(json.at("passed").as_bool());
  EXPECT_EQ(json.at("dimensions").at("truthfulness").to_number<double>(), 0.75);
  EXPECT_EQ(json.at("dimensions").at("patience").to_number<double>(), 1);
  EXPECT_TRUE(json.at("dimensions").at("justice").is_null());
  EXPECT_EQ(json.at("dimensions").as_object().size(), omega::kDimensions);
  EXPECT_EQ(json.at("shortfalls").at(0).at("minimum").to_number<double>(), 0.95);
  EXPECT_TRUE(json.at("shortfalls").at(1).at("value").is_null());
  EXPECT_EQ(json.at("findings").at(0).at("kind").as_string(), "email");
  EXPECT_EQ(json.at("findings").at(0).at("length").to_number<int>(), 12);
  EXPECT_EQ(json.at("signals").at("likelihood").at("raw").to_number<double>(), -1.2346);
  EXPECT_EQ(json.at("signals").as_object().size(), 1u) << "what was not measured is not there";
  EXPECT_EQ(json.at("ntu").at("potential").to_number<double>(), -0.5);
  EXPECT_EQ(json.at("judge_reason").as_string(), "a \"bad\" one");
  EXPECT_EQ(score_text(sample()), "0.8");
}

TEST(QualityJson, ASummaryLeavesTheMeasurementsOut) {
  const auto json = parsed(sample(), QualityDetail::summary);
  EXPECT_FALSE(json.as_object().contains("signals"));
  EXPECT_FALSE(json.as_object().contains("ntu"));
  EXPECT_TRUE(json.as_object().contains("dimensions"));
}

TEST(QualityJson, WhatWasNotMeasuredHasNoNumber) {
  const Quality nothing;
  const auto json = parsed(nothing, QualityDetail::full);
  EXPECT_TRUE(json.at("score").is_null());
  EXPECT_TRUE(json.at("passed").as_bool());
  EXPECT_TRUE(json.at("signals").as_object().empty());
  EXPECT_EQ(score_text(nothing), "unmeasured");
}

TEST(QualityJson, NumbersBeyondAnySenseAreNull) {
  Quality odd;
  odd.assessment.readings[omega::Signal::likelihood] = {-1e300, 0};
  odd.assessment.readings[omega::Signal::weakest_span] = {-0.00004, 0};
  const auto json = parsed(odd, QualityDetail::full);
  EXPECT_TRUE(json.at("signals").at("likelihood").at("raw").is_null());
  EXPECT_EQ(json.at("signals").at("weakest_span").at("raw").to_number<double>(), 0);
}

}  // namespace
}  // namespace sovereign::runtime
