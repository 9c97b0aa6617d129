#include "gateway/openai/preset.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "gateway/secret.h"
#include "support/temporary_folder.h"

namespace sovereign::gateway {
namespace {

std::string url_of(Preset preset, std::string url = {}) {
  RemoteConfig config;
  config.name = "x";
  config.preset = preset;
  config.url = std::move(url);
  return base_url(config).value_or("(error)");
}

TEST(Preset, KnowsWhereServersUsuallyAre) {
  EXPECT_EQ(url_of(Preset::lmstudio), "http://127.0.0.1:1234/v1");
  EXPECT_EQ(url_of(Preset::ollama), "http://127.0.0.1:11434/v1");
  EXPECT_EQ(url_of(Preset::vllm), "http://127.0.0.1:8000/v1");
  EXPECT_EQ(url_of(Preset::sglang), "http://127.0.0.1:30000/v1");
  EXPECT_EQ(url_of(Preset::llama_server), "http://127.0.0.1:8080/v1");
  EXPECT_EQ(url_of(Preset::openai), "(error)");
}

TEST(Preset, AnAddressWithoutAPathGetsOne) {
  EXPECT_EQ(url_of(Preset::openai, "https://api.example"), "https://api.example/v1");
  EXPECT_EQ(url_of(Preset::openai, "http://rack:8000/"), "http://rack:8000/v1");
  EXPECT_EQ(url_of(Preset::openai, "http://rack/models/v2/"), "http://rack/models/v2");
  EXPECT_EQ(url_of(Preset::openai, "rack:8000"), "(error)");
  EXPECT_EQ(url_of(Preset::openai, "http://user:secret@rack"), "(error)");
}

TEST(Preset, TiersAreThePresetsUnlessToldOtherwise) {
  RemoteConfig config;
  config.preset = Preset::ollama;
  EXPECT_EQ(tier_of(config), Tier::local);
  config.tier = Tier::edge;
  EXPECT_EQ(tier_of(config), Tier::edge);
}

TEST(Preset, ModelsThatDoNotChatArePassedOver) {
  EXPECT_EQ(first_chat_model({"nomic-embed-text:latest", "qwen3:4b"}), "qwen3:4b");
  EXPECT_EQ(first_chat_model({"text-embedding-NOMIC-embed", "BAAI/bge-reranker-v2-m3", "llama"}), "llama");
  EXPECT_EQ(first_chat_model({"one", "two"}), "one");
  EXPECT_EQ(first_chat_model({"bge-m3", "all-minilm"}), "bge-m3") << "there is no other";
}

TEST(Secret, ComesFromAFileOrAVariableAndIsNeverQuoted) {
  const testing::TemporaryFolder folder;
  testing::write_file(folder.path() / "key", "sk-123\r\nsecond line");
  EXPECT_EQ(read_secret("", (folder.path() / "key").string()).value_or(""), "sk-123");
  ::setenv("SOVEREIGN_TEST_BACKEND_KEY", "sk-env", 1);
  EXPECT_EQ(read_secret("SOVEREIGN_TEST_BACKEND_KEY", "").value_or(""), "sk-env");
  EXPECT_EQ(read_secret("", "").value_or("(error)"), "");
  EXPECT_FALSE(read_secret("SOVEREIGN_TEST_NO_SUCH_KEY", ""));
  EXPECT_FALSE(read_secret("", (folder.path() / "none").string()));
  testing::write_file(folder.path() / "odd", "sk-1 with blanks");
  const auto odd = read_secret("", (folder.path() / "odd").string());
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().message.find("sk-1"), std::string::npos);
}

}  // namespace
}  // namespace sovereign::gateway
