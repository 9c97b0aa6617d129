#include "cache/lru_index.h"

#include <gtest/gtest.h>

#include <map>
#include <new>
#include <random>
#include <vector>

#include "cache/key_encoder.h"

namespace sovereign::cache {
namespace {

// An index with memory of its own, and entries for it.
class LruIndexTest : public ::testing::Test {
 protected:
  void make(std::uint32_t max_entries) {
    memory_.assign(LruIndex::memory_for(max_entries) / sizeof(Block), {});
    index_ = std::make_unique<LruIndex>(max_entries, reinterpret_cast<std::byte*>(memory_.data()));
  }
  // Entry `id`, always the same.
  const Entry* entry(std::uint32_t id) {
    EntryPtr& known = entries_[id];
    if (known == nullptr) {
      KeyEncoder encoder;
      encoder.add_unsigned(KeyField::item, id);
      known = Entry::make(encoder.key(), "v", WallTime{});
    }
    return known.get();
  }
  const Entry* found(std::uint32_t id, std::uint32_t tag) {
    const auto there = index_->find(entry(id)->hash(), tag);
    EXPECT_TRUE(there.entry == nullptr || there.slot == id);
    return there.entry;
  }

  struct alignas(64) Block {
    std::byte bytes[64];
  };
  std::vector<Block> memory_;
  std::unique_ptr<LruIndex> index_;
  std::map<std::uint32_t, EntryPtr> entries_;
};

TEST_F(LruIndexTest, FindsWhatIsThereAndNothingElse) {
  make(4);
  index_->add(entry(1), 1, 0);
  index_->add(entry(2), 2, 0);  // the same tag
  EXPECT_EQ(found(1, 0), entry(1));
  EXPECT_EQ(found(2, 0), entry(2));
  EXPECT_EQ(found(3, 0), nullptr);
  EXPECT_EQ(found(1, 1U << 31), nullptr) << "it is under another tag";
  index_->remove(1, 0);
  EXPECT_EQ(found(1, 0), nullptr);
  EXPECT_EQ(found(2, 0), entry(2));
}

// Few tags, so that lines are full, entries lie far from home, and lanes look alike.
TEST_F(LruIndexTest, IsAMapWhateverTheTagsAre) {
  for (const std::uint32_t max_entries : {1U, 2U, 5U, 16U, 100U}) {
    for (const std::uint32_t tags : {1U, 3U, 40U}) {
      make(max_entries);
      std::mt19937 random(max_entries * 100 + tags);
      std::vector<std::uint32_t> tag_of(max_entries * 3);
      // Homes at both ends of the table, and marks that differ by one, or are that of a free lane.
      for (auto& tag : tag_of) {
        const std::uint32_t drawn = random() % tags;
        tag = (drawn % 2 == 0 ? 0xffff'0000U : 0U) | drawn / 2;
      }
      std::map<std::uint32_t, bool> model;
      std::size_t size = 0;
      for (int step = 0; step < 20'000; ++step) {
        const auto id = static_cast<std::uint32_t>(random() % tag_of.size());
        if (model[id]) {
          index_->remove(id, tag_of[id]);
          --size;
        } else if (size < max_entries) {
          index_->add(entry(id), id, tag_of[id]);
          ++size;
        } else {
          continue;
        }
        model[id] = !model[id];
        const auto other = static_cast<std::uint32_t>(random() % tag_of.size());
        for (const auto asked : {id, other}) {
          ASSERT_EQ(found(asked, tag_of[asked]), model[asked] ? entry(asked) : nullptr) << step;
        }
      }
    }
  }
}

// Each line was full when somebody came, who went on and is still there. A search that goes on for as long as
// lines were passed would never end.
TEST_F(LruIndexTest, ASearchEndsThoughEveryLineWasPassed) {
  make(8);  // four lines of four
  const auto home = [](std::uint32_t line) { return line << 30; };
  std::uint32_t next = 0;
  const auto add = [&](std::uint32_t line) {
    index_->add(entry(next), next, home(line));
    return next++;
  };
  std::vector<std::uint32_t> first;
  for (int i = 0; i < 4; ++i) first.push_back(add(0));
  add(0);  // in line 1
  std::size_t left = 0;
  for (std::uint32_t line = 1; line <= 3; ++line) {
    std::vector<std::uint32_t> here;
    for (int i = 0; i < 3; ++i) here.push_back(add(line));  // full, with the one from the line before
    index_->remove(first[left++], home(0));
    add(line);  // in the next line
    for (const auto id : here) index_->remove(id, home(line));
  }
  EXPECT_EQ(found(1000, home(2)), nullptr);
  EXPECT_EQ(found(4, home(0)), entry(4));
  EXPECT_EQ(found(next - 1, home(3)), entry(next - 1)) << "in line 0";
}

}  // namespace
}  // namespace sovereign::cache
