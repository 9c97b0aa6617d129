#include "config/example.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "config/key_table.h"
#include "config/load.h"
#include "config/toml_file.h"
#include "scratch.h"

namespace sovereign::config {
namespace {

TEST(Example, TheFileInTheRepositoryIsTheGeneratedOne) {
  std::ifstream in(SOVEREIGN_EXAMPLE_FILE, std::ios::binary);
  ASSERT_TRUE(in) << SOVEREIGN_EXAMPLE_FILE;
  const std::string committed{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(committed, example_file())
      << "write it again with: sovereign config example > examples/sovereign.toml";
}

TEST(Example, AsItStandsItSetsNothing) {
  const auto entries = parse_toml(example_file(), "example");
  ASSERT_TRUE(entries) << entries.error().message;
  EXPECT_TRUE(entries->empty());
}

TEST(Example, UncommentedItSetsTheDefaults) {
  std::istringstream lines(example_file());
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const bool is_key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    text += (is_key ? line.substr(1) : line) + "\n";
  }
  const Scratch scratch;
  Inputs inputs;
  inputs.file = scratch.write("example.toml", text).string();
  const auto loaded = load(inputs);
  ASSERT_TRUE(loaded) << join_messages(loaded.error());
  for (std::size_t i = 0; i < all_keys().size(); ++i) {
    const Key& key = all_keys()[i];
    EXPECT_NE(loaded->origins[i], "default") << key.name << " is not in the example";
    EXPECT_EQ(key.get(loaded->settings), key.get(Settings{})) << key.name;
  }
}

}  // namespace
}  // namespace sovereign::config
