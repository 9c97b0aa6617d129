#include "runtime/sealed_texts.h"

#include <gtest/gtest.h>

namespace sovereign::runtime {
namespace {

Choice choice(const std::string& content) {
  Choice made;
  made.message.content = content;
  return made;
}

TEST(SealedTexts, OnePlainChoiceIsItsText) {
  EXPECT_EQ(sealed_answer({choice("caf\xc3\xa9 \"x\"\n")}), "caf\xc3\xa9 \"x\"\n");
  EXPECT_EQ(sealed_answer({choice("")}), "");
}

TEST(SealedTexts, AnythingElseIsCanonicalJson) {
  EXPECT_EQ(sealed_answer({choice("a\n"), choice("")}), R"([{"content":"a\n"},{}])");
  Choice thought = choice("b");
  thought.message.reasoning_content = "hm";
  EXPECT_EQ(sealed_answer({thought}), R"([{"content":"b","reasoning_content":"hm"}])");
  Choice call = choice("");
  call.message.tool_calls = {{"call_1", "f", R"({"x": 1})"}, {"", "g", "{}"}};
  EXPECT_EQ(sealed_answer({call}),
            R"([{"tool_calls":[{"arguments":"{\"x\": 1}","name":"f"},{"arguments":"{}","name":"g"}]}])");
}

TEST(SealedTexts, TheSamplingIsWhatWasUsed) {
  SovereignQuery query;
  query.sampling.temperature = 0.7F;
  query.sampling.top_p = 0.95F;
  query.max_tokens = 64;
  SovereignResult result;
  gateway::BackendIdentity identity;
  identity.settings = {{"kernels", "stock"}};
  const auto without = sealed_sampling(query, result, identity);
  EXPECT_EQ(without.count("seed"), 0u) << "a seed that nobody knows is not told";
  result.seed = 4'000'000'000;
  const auto sealed = sealed_sampling(query, result, identity);
  EXPECT_EQ(sealed.at("temperature"), "0.7");
  EXPECT_EQ(sealed.at("top_p"), "0.95");
  EXPECT_EQ(sealed.at("max_tokens"), "64");
  EXPECT_EQ(sealed.at("seed"), "4000000000");
  EXPECT_EQ(sealed.at("kernels"), "stock");
  for (const auto& [name, value] : sealed) {
    EXPECT_TRUE(pci::is_sampling_name(name)) << name;
    EXPECT_FALSE(value.empty()) << name;
  }
}

}  // namespace
}  // namespace sovereign::runtime
