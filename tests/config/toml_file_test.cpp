#include "config/toml_file.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace sovereign::config {
namespace {

TEST(TomlFile, FlattensTablesWithLines) {
  const auto entries = parse_toml(
      "# a comment\n[server]\nport = 9000\nhost = \"::1\"\n\n[a.b]\nc = [\"x\", \"y\"]\n", "test.toml");
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].name, "server.port");
  EXPECT_EQ((*entries)[0].line, 3U);
  EXPECT_EQ(std::get<std::int64_t>((*entries)[0].value), 9000);
  EXPECT_EQ((*entries)[1].name, "server.host");
  EXPECT_EQ((*entries)[2].name, "a.b.c");
  EXPECT_EQ((*entries)[2].line, 7U);
  EXPECT_EQ(std::get<std::vector<std::string>>((*entries)[2].value), (std::vector<std::string>{"x", "y"}));
}

TEST(TomlFile, NamesTypesThatNoSettingHas) {
  const auto entries = parse_toml("a = 1.5\nb = 2026-01-31\nc = [1, 2]\nd = [[\"x\"]]\n", "test.toml");
  ASSERT_TRUE(entries);
  EXPECT_EQ(describe((*entries)[0].value), "a floating-point number");
  EXPECT_EQ(describe((*entries)[1].value), "a date");
  EXPECT_EQ(describe((*entries)[2].value), "an array that holds more than strings");
  EXPECT_EQ(describe((*entries)[3].value), "an array that holds more than strings");
}

TEST(TomlFile, SyntaxErrorsNameFileAndLine) {
  const auto entries = parse_toml("[server]\nport = = 1\n", "conf/test.toml");
  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().code, ErrorCode::corrupt);
  EXPECT_TRUE(entries.error().message.starts_with("conf/test.toml:2: ")) << entries.error().message;
}

TEST(TomlFile, AKeySetTwiceIsAnError) {
  const auto entries = parse_toml("[server]\nport = 1\nport = 2\n", "test.toml");
  ASSERT_FALSE(entries);
  EXPECT_TRUE(entries.error().message.starts_with("test.toml:3: ")) << entries.error().message;
}

TEST(TomlFile, InvalidUtf8IsAnError) { EXPECT_FALSE(parse_toml("a = \"\xff\xfe\"\n", "test.toml")); }

TEST(TomlFile, MissingFilesAndFoldersAreToldApart) {
  const auto missing = read_toml("/nowhere/at/all.toml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  const auto folder = read_toml(std::filesystem::temp_directory_path());
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message.find("is a folder"), std::string::npos);
}

}  // namespace
}  // namespace sovereign::config
