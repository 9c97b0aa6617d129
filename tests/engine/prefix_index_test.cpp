#include "engine/prefix_index.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

namespace sovereign::engine {
namespace {

using Tokens = std::vector<Token>;

std::map<Slot, std::uint32_t> by_slot(const std::vector<PrefixIndex::Match>& matches) {
  std::map<Slot, std::uint32_t> result;
  for (const auto& match : matches)
    EXPECT_TRUE(result.emplace(match.slot, match.length).second) << "a slot came twice";
  return result;
}

TEST(PrefixIndex, FindsHowFarEachSlotGoesAlong) {
  PrefixIndex index;
  index.insert(0, Tokens{1, 2, 3, 4, 5});
  index.insert(1, Tokens{1, 2, 3, 9});
  index.insert(2, Tokens{1, 2});
  index.insert(3, Tokens{7});

  const auto matches = index.match(Tokens{1, 2, 3, 4, 8});
  EXPECT_EQ(matches.front().slot, 0U) << "longest first";
  EXPECT_EQ(by_slot(matches), (std::map<Slot, std::uint32_t>{{0, 4}, {1, 3}, {2, 2}}));
}

TEST(PrefixIndex, ASlotThatEndsInsideAnEdgeIsFoundAtItsEnd) {
  PrefixIndex index;
  index.insert(0, Tokens{1, 2, 3, 4});
  index.insert(1, Tokens{1, 2});
  EXPECT_EQ(by_slot(index.match(Tokens{1, 2, 3, 4})), (std::map<Slot, std::uint32_t>{{0, 4}, {1, 2}}));
  index.remove(0);
  EXPECT_EQ(by_slot(index.match(Tokens{1, 2, 3, 4})), (std::map<Slot, std::uint32_t>{{1, 2}}));
  index.remove(1);
  EXPECT_EQ(index.nodes(), 0U);
}

// Against the definition: compare the prompt with every slot's tokens, one by one.
RC_GTEST_PROP(PrefixIndex, AgreesWithComparingEverySlot, ()) {
  const auto token = rc::gen::inRange<Token>(0, 3);
  const auto tokens = rc::gen::container<Tokens>(token);
  PrefixIndex index;
  std::map<Slot, Tokens> model;
  const auto steps = *rc::gen::inRange(1, 60);
  for (int step = 0; step < steps; ++step) {
    const auto slot = *rc::gen::inRange<Slot>(0, 12);
    index.remove(slot);
    model.erase(slot);
    if (*rc::gen::arbitrary<bool>()) {
      const Tokens path = *tokens;
      index.insert(slot, path);
      if (!path.empty()) model[slot] = path;
    }
    const Tokens prompt = *tokens;
    std::map<Slot, std::uint32_t> expected;
    for (const auto& [other, path] : model) {
      const auto end = std::mismatch(path.begin(), path.end(), prompt.begin(), prompt.end()).first;
      if (end != path.begin()) expected[other] = static_cast<std::uint32_t>(end - path.begin());
    }
    const auto matches = index.match(prompt);
    RC_ASSERT(by_slot(matches) == expected);
    RC_ASSERT(std::is_sorted(matches.begin(), matches.end(),
                             [](const auto& a, const auto& b) { return a.length > b.length; }));
  }
  for (Slot slot = 0; slot < 12; ++slot) index.remove(slot);
  RC_ASSERT(index.nodes() == 0U);
}

}  // namespace
}  // namespace sovereign::engine
