#include "bench/report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace sovereign::bench {
namespace {

Report example() {
  Report report;
  report.name = "example";
  report.environment = read_environment("2025-01-02T03:04:05Z");
  // Boost.JSON 1.81 reads some doubles one unit in the last place off; these are exact.
  report.environment.steal_percent = 0.25;
  report.environment.load_average = 1.5;
  report.results.push_back(make_result("a \"quoted\" name", {{1, 2, 3}}, {1, 1, 1e6}));
  report.ratios["tokens_per_s_vs_x"] = {1.25, {1.1, 1.4}};
  report.figures["tokens_per_s"] = 150;
  report.notes = {"x -t 2"};
  return report;
}

TEST(Report, TheFileHasTheAgreedShape) {
  const auto value = boost::json::parse(to_json(example()));
  EXPECT_EQ(value.at("schema").as_int64(), 1);
  EXPECT_EQ(value.at("environment").at("date").as_string(), "2025-01-02T03:04:05Z");
  EXPECT_GT(value.at("environment").at("logical_cpus").as_int64(), 0);
  const auto& result = value.at("results").at(0);
  for (const char* key : {"name", "iterations", "mean", "median", "p95", "p99", "min", "max", "qps",
                          "cpu_percent", "memory_mb"}) {
    EXPECT_TRUE(result.as_object().contains(key)) << key;
  }
  EXPECT_DOUBLE_EQ(value.at("ratios").at("tokens_per_s_vs_x").to_number<double>(), 1.25);
  EXPECT_DOUBLE_EQ(value.at("ratios").at("tokens_per_s_vs_x_spread").at(0).to_number<double>(), 1.1);
  EXPECT_DOUBLE_EQ(value.at("ratios").at("tokens_per_s_vs_x_spread").at(1).to_number<double>(), 1.4);
}

TEST(Report, WhatIsWrittenIsRead) {
  const std::filesystem::path folder =
      ::testing::TempDir() + "sovereign-report-" + std::to_string(::getpid());
  const Report before = example();
  const auto file = write_report(before, folder / "deep");
  ASSERT_TRUE(file) << file.error().message;
  const auto after = read_report(*file);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(to_json(*after), to_json(before));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "deep"), {}), 1)
      << "no part file is left";
  std::filesystem::remove_all(folder);
}

TEST(Report, WhatIsNoReportIsCorrupt) {
  for (const char* text :
       {"", "[]", "{}", "{\"schema\": 1}", "{\"schema\": \"1\"}", "{\"schema\": 2}", "nonsense"}) {
    const auto report = report_from_json(text);
    ASSERT_FALSE(report) << text;
    EXPECT_EQ(report.error().code, ErrorCode::corrupt) << text;
  }
  EXPECT_EQ(read_report("/nonexistent/x.json").error().code, ErrorCode::not_found);
}

TEST(Report, TheTableNamesEverything) {
  const std::string table = to_table(example());
  for (const char* text : {"a \"quoted\" name", "tokens_per_s_vs_x", "1.250", "[1.100, 1.400]", "x -t 2"}) {
    EXPECT_NE(table.find(text), std::string::npos) << text << "\n" << table;
  }
}

}  // namespace
}  // namespace sovereign::bench
