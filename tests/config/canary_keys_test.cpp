#include "config/canary_keys.h"

#include <gtest/gtest.h>

#include "config/key_table.h"
#include "config/load.h"

namespace sovereign::config {
namespace {

Settings with(std::vector<std::string> set) {
  Settings settings;
  settings.canary.name = "c";
  settings.canary.set = std::move(set);
  return settings;
}

result<void> checked(std::vector<std::string> set) {
  return check(*find_key("canary.set"), Value(std::move(set)));
}

TEST(CanaryKeys, WhatAVariantChanges) {
  const Settings settings = with({"sampling.temperature=0.25", "sampling.top_k=3", "sampling.max_tokens=77",
                                  "quality.mode=enforce", "reasoning.branches=2"});
  ASSERT_TRUE(checked(settings.canary.set));
  const auto overlay = canary_overlay(settings.canary);
  EXPECT_EQ(overlay.temperature, 0.25);
  EXPECT_EQ(overlay.top_k, 3);
  EXPECT_EQ(overlay.max_tokens, 77);
  EXPECT_FALSE(overlay.top_p);
  const Settings variant = variant_settings(settings);
  EXPECT_EQ(variant.quality.gate.mode, omega::GateMode::enforce);
  EXPECT_EQ(variant.reasoning.graph.branches, 2U);
  EXPECT_NE(settings.quality.gate.mode, omega::GateMode::enforce);
}

TEST(CanaryKeys, AVariantMayHaveAnEngineOfItsOwnAndBeRoutedOtherwise) {
  Settings settings = with({"engine.speculation=draft", "engine.draft_model=/models/small.gguf"});
  ASSERT_TRUE(checked(settings.canary.set));
  EXPECT_TRUE(check_canary(settings).empty());
  EXPECT_TRUE(canary_overlay(settings.canary).engine);
  EXPECT_FALSE(canary_overlay(settings.canary).routes());
  EXPECT_EQ(variant_settings(settings).engine.speculation, engine::Speculation::draft);
  EXPECT_EQ(variant_settings(settings).engine.draft_model, "/models/small.gguf");
  EXPECT_EQ(settings.engine.speculation, engine::Speculation::off);
  Settings elsewhere = settings;
  elsewhere.canary.model = "large";
  elsewhere.models.emplace_back().name = "large";
  EXPECT_EQ(check_canary(elsewhere).size(), 1U) << "whose engine it is was not said";
  Settings hasty = settings;
  hasty.canary.promote_when_fine = true;
  EXPECT_EQ(check_canary(hasty).size(), 1U);
  settings.model.enabled = false;
  EXPECT_EQ(check_canary(settings).size(), 1U);
  settings.canary.name.clear();
  EXPECT_FALSE(canary_overlay(settings.canary).engine) << "there is no canary";
  EXPECT_EQ(variant_settings(settings).engine.speculation, engine::Speculation::off);

  Settings routed = with({"routing.local_from=50", "routing.local_fallback=pool"});
  ASSERT_TRUE(checked(routed.canary.set));
  EXPECT_EQ(check_canary(routed).size(), 1U) << "there is nobody to choose";
  routed.models.emplace_back().name = "large";
  EXPECT_TRUE(check_canary(routed).empty());
  EXPECT_TRUE(canary_overlay(routed.canary).routes());
  EXPECT_EQ(variant_settings(routed).routing.local_from, 50U);
  EXPECT_EQ(variant_settings(routed).routing.local_fallback, std::vector<std::string>{"pool"});
}

// Each key is right by itself, and an engine of both could not be made.
TEST(CanaryKeys, WhatAVariantHasMustGoTogether) {
  Settings settings = with({"engine.context_tokens=8192", "engine.kv_cells=4096"});
  const auto errors = check_together(settings);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors.front().message.find("canary.set: engine.context_tokens"), std::string::npos)
      << errors.front().message;
  settings.canary.set = {"engine.context_tokens=8192", "engine.kv_cells=8192"};
  EXPECT_TRUE(check_together(settings).empty());
  // A hosted model's engine begins with control's.
  settings.models.push_back({.name = "large", .path = "large.gguf"});
  settings.models.back().engine["engine.context_tokens"] = std::int64_t{8192};
  settings.canary.set = {"engine.context_tokens=2048", "engine.kv_cells=4096"};
  EXPECT_TRUE(check_together(settings).empty());
}

TEST(CanaryKeys, MistakesAreNamed) {
  EXPECT_TRUE(checked({}));
  for (const char* wrong :
       {"temperature=0.2", "sampling.temperature", "sampling.temperature=9", "sampling.temperature=warm",
        "sampling.seed=1", "server.port=2", "engine.thread=2", "engine.threads=-2",
        "engine.draft_model=models/small.gguf", "engine.embedding_pooling=mean", "routing.breaker_failures=2",
        "quality.mode=loud", "quality.nothing=1", "sampling.top_k=-1", "sampling.max_tokens=0", ""}) {
    EXPECT_FALSE(checked({wrong})) << wrong;
  }
  EXPECT_NE(checked({"server.port=2"}).error().message.find("server.port"), std::string::npos);
  EXPECT_NE(checked({"engine.thread=2"}).error().message.find("engine.threads"), std::string::npos);
  const Key& name = *find_key("canary.name");
  EXPECT_TRUE(check(name, Value(std::string("a-B.c_9"))));
  EXPECT_FALSE(check(name, Value(std::string("two words"))));
  EXPECT_FALSE(check(name, Value(std::string("line\r\nbreak"))));
}

TEST(CanaryKeys, AVariantMustDiffer) {
  EXPECT_TRUE(check_canary(Settings{}).empty());
  EXPECT_EQ(check_canary(with({})).size(), 1U);
  EXPECT_TRUE(check_canary(with({"sampling.top_k=3"})).empty());
  Settings tier = with({});
  tier.canary.tier = gateway::Tier::pool;
  EXPECT_EQ(check_canary(tier).size(), 1U);  // there are no backends
  auto model = with({});
  model.canary.model = "large";
  EXPECT_EQ(check_canary(model).size(), 1U) << "nobody is called that";
  model.models.emplace_back().name = "other";
  EXPECT_TRUE(check_canary(model).empty()) << "the first model may be";
  model.model.enabled = false;
  EXPECT_EQ(check_canary(model).size(), 1U);
  model.models.back().aliases = {"large"};
  EXPECT_TRUE(check_canary(model).empty());
}

TEST(CanaryKeys, TheConfigurationIsAllThatMakesTheVariant) {
  const Settings settings = with({"sampling.top_k=3"});
  const auto config = canary_config(settings);
  EXPECT_EQ(config.name, "c");
  EXPECT_EQ(config.configuration.size(), 7U + 64U);
  Settings other = settings;
  other.canary.promote_when_fine = true;
  other.canary.promote_after = std::chrono::hours(5);
  other.canary.state_file = "/elsewhere";
  EXPECT_EQ(canary_config(other).configuration, config.configuration);
  other.canary.share = 0.2;
  EXPECT_NE(canary_config(other).configuration, config.configuration);
  other = settings;
  other.canary.set.emplace_back("sampling.top_p=0.5");
  EXPECT_NE(canary_config(other).configuration, config.configuration);
}

// Of models and backends only names and places counted: a trial went on against another control.
TEST(CanaryKeys, ControlIsAllThatAnswersForIt) {
  Settings settings = with({"sampling.top_k=3"});
  settings.models.push_back({.name = "large", .path = "large.gguf"});
  settings.backends.emplace_back();
  settings.backends.back().name = "rack";
  const std::string control = canary_config(settings).control;
  const auto differs = [&](auto change) {
    Settings other = settings;
    change(other);
    return canary_config(other).control != control;
  };
  EXPECT_FALSE(differs([](Settings&) {}));
  EXPECT_FALSE(differs([](Settings& other) { other.canary.set.emplace_back("sampling.top_p=0.5"); }));
  EXPECT_FALSE(differs([](Settings& other) { other.limits.burst += 1; }));
  EXPECT_TRUE(differs([](Settings& other) { other.model.chat_template = "other.jinja"; }));
  EXPECT_TRUE(differs([](Settings& other) { other.engine.context_tokens += 1; }));
  EXPECT_TRUE(differs([](Settings& other) { other.quality.gate.mode = omega::GateMode::enforce; }));
  EXPECT_TRUE(differs([](Settings& other) { other.routing.local_from += 1; }));
  EXPECT_TRUE(differs([](Settings& other) { other.models[0].path = "other.gguf"; }));
  EXPECT_TRUE(differs([](Settings& other) { other.models[0].chat_template = "other.jinja"; }));
  EXPECT_TRUE(
      differs([](Settings& other) { other.models[0].engine["engine.context_tokens"] = std::int64_t{512}; }));
  EXPECT_TRUE(differs([](Settings& other) { other.backends[0].preset = gateway::Preset::vllm; }));
  EXPECT_TRUE(differs([](Settings& other) { other.backends[0].batch_size = 8; }));
  EXPECT_TRUE(differs([](Settings& other) { other.backends.clear(); }));
  EXPECT_NE(canary_config(settings, "replaced").control, control);
}

}  // namespace
}  // namespace sovereign::config
