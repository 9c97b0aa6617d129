#include "config/key_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/pfr/core.hpp>
#include <set>

#include "samples.h"

namespace sovereign::config {
namespace {

std::size_t keys_of(std::string_view section) {
  const auto keys = all_keys();
  return static_cast<std::size_t>(std::count_if(
      keys.begin(), keys.end(), [section](const Key& key) { return key.section() == section; }));
}

// A field that somebody adds to a configuration struct must get its key.
TEST(KeyTable, HasAKeyForEachField) {
  EXPECT_EQ(keys_of("model"), boost::pfr::tuple_size_v<ModelSettings>);
  EXPECT_EQ(keys_of("engine"), boost::pfr::tuple_size_v<engine::EngineConfig>);
  EXPECT_EQ(keys_of("server"), boost::pfr::tuple_size_v<server::ServerConfig>);
  EXPECT_EQ(keys_of("cache"), boost::pfr::tuple_size_v<CacheSettings>);
  EXPECT_EQ(keys_of("receipts"), boost::pfr::tuple_size_v<ReceiptSettings>);
  EXPECT_EQ(keys_of("envelopes"), boost::pfr::tuple_size_v<EnvelopeSettings>);
  EXPECT_EQ(keys_of("canary"), boost::pfr::tuple_size_v<CanarySettings>);
  EXPECT_EQ(keys_of("log"), boost::pfr::tuple_size_v<LogSettings>);
}

TEST(KeyTable, NamesAndFlagsAreUnique) {
  std::set<std::string> seen;
  for (const Key& key : all_keys()) {
    EXPECT_TRUE(seen.insert(key.name).second) << key.name;
    EXPECT_TRUE(seen.insert(environment_name(key.name)).second) << key.name;
    EXPECT_TRUE(key.flag.empty() || seen.insert(key.flag).second) << key.flag;
  }
}

TEST(KeyTable, EverySectionIsDescribedAndUsed) {
  for (const Section& section : all_sections()) EXPECT_GT(keys_of(section.name), 0U) << section.name;
  for (const Key& key : all_keys()) {
    const auto sections = all_sections();
    EXPECT_TRUE(std::any_of(sections.begin(), sections.end(), [&](const Section& section) {
      return section.name == key.section();
    })) << key.name;
  }
}

TEST(KeyTable, HelpIsASentence) {
  for (const Key& key : all_keys()) {
    EXPECT_GT(key.help.size(), 10U) << key.name;
    EXPECT_EQ(key.help.back(), '.') << key.name;
  }
}

TEST(KeyTable, DefaultsPassTheirOwnChecks) {
  for (const Key& key : all_keys()) {
    const auto checked = check(key, key.get(Settings{}));
    EXPECT_TRUE(checked) << key.name << ": " << (checked ? "" : checked.error().message);
  }
}

TEST(KeyTable, SettingOneKeyChangesThatOneOnly) {
  for (const Key& changed : all_keys()) {
    Settings settings;
    changed.set(settings, sample_value(changed));
    for (const Key& key : all_keys()) {
      if (key.name == changed.name) {
        EXPECT_EQ(key.get(settings), sample_value(changed)) << key.name;
      } else {
        EXPECT_EQ(key.get(settings), key.get(Settings{})) << key.name << " after " << changed.name;
      }
    }
  }
}

TEST(KeyTable, BoundsAreChecked) {
  for (const Key& key : all_keys()) {
    if (key.kind == Kind::real) {
      EXPECT_TRUE(check(key, key.least)) << key.name;
      EXPECT_TRUE(check(key, key.most)) << key.name;
      EXPECT_FALSE(check(key, key.least - 1)) << key.name;
      EXPECT_FALSE(check(key, key.most + 0.5)) << key.name;
    }
    if (key.kind != Kind::integer && key.kind != Kind::size && key.kind != Kind::duration) continue;
    EXPECT_TRUE(check(key, key.min)) << key.name;
    EXPECT_TRUE(check(key, key.max)) << key.name;
    EXPECT_FALSE(check(key, key.min - 1)) << key.name;
    EXPECT_FALSE(check(key, key.max + 1)) << key.name;
    Settings settings;
    key.set(settings, key.max);
    EXPECT_EQ(key.get(settings), Value(key.max)) << key.name << ": the field is too narrow for its bound";
    key.set(settings, key.min);
    EXPECT_EQ(key.get(settings), Value(key.min)) << key.name;
  }
}

}  // namespace
}  // namespace sovereign::config
