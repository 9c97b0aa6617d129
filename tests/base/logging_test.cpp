#include "base/logging.h"

#include <gmock/gmock.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace sovereign {
namespace {

std::string format_json(std::string_view message, spdlog::level::level_enum level = spdlog::level::info) {
  spdlog::memory_buf_t line;
  const std::chrono::system_clock::time_point time(std::chrono::milliseconds(1'767'225'600'042));
  make_json_log_formatter()->format(
      spdlog::details::log_msg(time, {}, "log", level, spdlog::string_view_t(message.data(), message.size())),
      line);
  return {line.data(), line.size()};
}

TEST(JsonLog, OneObjectPerLine) {
  EXPECT_EQ(format_json("hello", spdlog::level::warn),
            "{\"time\":\"2026-01-01T00:00:00.042Z\",\"level\":\"warning\",\"message\":\"hello\"}\n");
}

TEST(JsonLog, EscapesWhatJsonDoesNotAllow) {
  const std::string message = "a \"quote\", a \\ and a line\nbreak, \x01, \x7f, \xc3\xa9, \xf0\x9f\x98\x80";
  const std::string line = format_json(message);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(boost::json::parse(line).at("message").as_string(), message);
}

TEST(JsonLog, ReplacesInvalidUtf8) {
  // A lone continuation, an overlong slash, a surrogate, a character that is cut short.
  for (const char* message : {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\xf5\x80\x80\x80"}) {
    const std::string line = format_json(message);
    std::error_code error;
    const auto parsed = boost::json::parse(line, error);
    ASSERT_FALSE(error) << line;
    EXPECT_THAT(std::string(parsed.at("message").as_string()), testing::StartsWith("\xef\xbf\xbd"));
  }
}

TEST(StartLogging, WritesToAFileFromTheLevelOn) {
  const auto file = std::filesystem::temp_directory_path() / ("sovereign-log-" + std::to_string(getpid()));
  const auto before = spdlog::default_logger();
  ASSERT_TRUE(start_logging({"warning", "json", file.string()}));
  spdlog::info("too little");
  spdlog::warn("enough");
  spdlog::default_logger()->flush();
  spdlog::set_default_logger(before);
  std::ifstream in(file);
  const std::string content{std::istreambuf_iterator<char>(in), {}};
  std::filesystem::remove(file);
  EXPECT_THAT(content, testing::HasSubstr("enough"));
  EXPECT_THAT(content, testing::Not(testing::HasSubstr("too little")));
}

TEST(StartLogging, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(start_logging({"loud", "text", ""}).error().where, "log.level");
  EXPECT_EQ(start_logging({"info", "xml", ""}).error().where, "log.format");
  EXPECT_EQ(start_logging({"info", "text", "/proc/nowhere/x.log"}).error().where, "log.file");
}

}  // namespace
}  // namespace sovereign
