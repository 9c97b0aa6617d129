// Model files come from anywhere: whatever their header says, reading it ends with a value.
#include "engine/gguf_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>

namespace sovereign::engine {
namespace {

namespace fs = std::filesystem;

// The parts of a GGUF file of version 3: little-endian numbers, strings with their length before them.
struct GgufText {
  std::string bytes;
  template <class Number>
  GgufText& number(Number value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes.append(raw, sizeof value);
    return *this;
  }
  GgufText& text(const std::string& value) {
    number<std::uint64_t>(value.size());
    bytes += value;
    return *this;
  }
};

constexpr std::uint32_t kTypeUint16 = 2;
constexpr std::uint32_t kTypeUint32 = 4;
constexpr std::uint32_t kTypeString = 8;

// A model of one small tensor; with `parts`, the key that llama-gguf-split writes.
std::string small_model(std::optional<std::uint16_t> parts = {}) {
  GgufText file;
  file.bytes = "GGUF";
  file.number<std::uint32_t>(3).number<std::uint64_t>(1).number<std::uint64_t>(parts ? 4 : 3);
  file.text("general.architecture").number(kTypeString).text("llama");
  file.text("general.name").number(kTypeString).text("Small");
  file.text("llama.block_count").number(kTypeUint32).number<std::uint32_t>(2);
  if (parts) file.text("split.count").number(kTypeUint16).number(*parts);
  file.text("token_embd.weight").number<std::uint32_t>(2).number<std::uint64_t>(32).number<std::uint64_t>(4);
  file.number<std::uint32_t>(0).number<std::uint64_t>(0);  // F32, at the beginning of the data
  file.bytes.resize((file.bytes.size() + 31) / 32 * 32);
  file.bytes.append(std::size_t{32} * 4 * sizeof(float), '\0');
  return file.bytes;
}

class GgufFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = fs::temp_directory_path() / ("sovereign_gguf_" + std::to_string(::getpid()) + ".gguf");
  }
  void TearDown() override { fs::remove(path_); }

  result<ModelInfo> read(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    return read_gguf_info(path_);
  }

  fs::path path_;
};

TEST_F(GgufFileTest, ReadsTheHeader) {
  const auto info = read(small_model());
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->name, "Small");
  EXPECT_EQ(info->architecture, "llama");
  EXPECT_EQ(info->layers, 2U);
  EXPECT_EQ(info->parameters, 128U);
}

// llama.cpp would load all parts, and the digest in a receipt be that of the first alone.
TEST_F(GgufFileTest, APartOfASplitModelIsRefused) {
  const auto info = read(small_model(2));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, ErrorCode::unsupported);
  EXPECT_NE(info.error().message.find("one of 2 parts"), std::string::npos) << info.error().message;
  EXPECT_NE(info.error().message.find("split.count"), std::string::npos);
  EXPECT_NE(info.error().message.find("llama-gguf-split --merge"), std::string::npos);
  for (const std::uint16_t parts : {0, 1}) EXPECT_TRUE(read(small_model(parts))) << parts;
}

TEST_F(GgufFileTest, EveryCutIsAnError) {
  const std::string whole = small_model();
  for (std::size_t size = 0; size < whole.size(); size += 3) {
    const auto info = read(whole.substr(0, size));
    ASSERT_FALSE(info) << size;
    EXPECT_EQ(info.error().where, path_.string());
  }
}

TEST_F(GgufFileTest, DamagedHeadersEndWithAValue) {
  const std::uint32_t seed = 20;
  std::mt19937 random(seed);
  const std::string whole = small_model();
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = whole;
    for (std::uint32_t i = 0; i <= random() % 3; ++i) {
      constexpr char kValues[] = {'\0', '\x01', '\x7F', '\x80', '\xFF'};
      damaged[random() % damaged.size()] = kValues[random() % sizeof kValues];
    }
    const auto info = read(damaged);
    if (info) continue;
    ++refused;
    EXPECT_FALSE(info.error().message.empty()) << "seed " << seed << ", round " << round;
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace sovereign::engine
