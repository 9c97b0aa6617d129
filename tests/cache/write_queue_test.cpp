#include "cache/write_queue.h"

#include <gtest/gtest.h>

#include "cache_support.h"

namespace sovereign::cache {
namespace {

Hash128 hash_of(std::uint64_t id) { return hash128(encoding_of(id)); }

TEST(WriteQueue, TheNewestOperationCounts) {
  WriteQueue queue(1 << 20);
  ASSERT_TRUE(queue.put(entry_of(1, "old")));
  ASSERT_TRUE(queue.put(entry_of(1, "new")));
  EXPECT_EQ(queue.find(hash_of(1))->entry->value(), "new");
  EXPECT_EQ(queue.operations(), 1u);
  ASSERT_TRUE(queue.erase(hash_of(1)));
  EXPECT_EQ(queue.find(hash_of(1))->kind, WriteOperation::Kind::erase);
  queue.touch(hash_of(2));
  EXPECT_EQ(queue.find(hash_of(2)), nullptr);
}

TEST(WriteQueue, WhatIsBeingWrittenIsStillSeen) {
  WriteQueue queue(1 << 20);
  queue.put(entry_of(1, "a"));
  EXPECT_EQ(queue.begin_writing().size(), 1u);
  EXPECT_EQ(queue.find(hash_of(1))->entry->value(), "a");
  queue.put(entry_of(1, "b"));
  EXPECT_EQ(queue.find(hash_of(1))->entry->value(), "b");
  queue.written();
  EXPECT_EQ(queue.find(hash_of(1))->entry->value(), "b");
}

TEST(WriteQueue, AFailedBatchComesBackBehindWhatIsNewer) {
  WriteQueue queue(1 << 20);
  queue.put(entry_of(1, "a"));
  queue.put(entry_of(2, "a"));
  queue.put(entry_of(3, "a"));
  queue.begin_writing();
  queue.put(entry_of(1, "b"));
  queue.touch(hash_of(2));
  queue.restore();
  EXPECT_EQ(queue.find(hash_of(1))->entry->value(), "b");
  EXPECT_EQ(queue.find(hash_of(2))->entry->value(), "a");
  EXPECT_EQ(queue.find(hash_of(3))->entry->value(), "a");
  EXPECT_EQ(queue.operations(), 3u);
}

TEST(WriteQueue, ClearedMeansClearedAlsoMidWrite) {
  WriteQueue queue(1 << 20);
  queue.put(entry_of(1, "a"));
  queue.begin_writing();
  queue.put(entry_of(2, "a"));
  queue.clear();
  EXPECT_EQ(queue.find(hash_of(1)), nullptr);
  EXPECT_EQ(queue.find(hash_of(2)), nullptr);
  queue.put(entry_of(3, "a"));
  queue.restore();
  EXPECT_EQ(queue.find(hash_of(1)), nullptr);
  EXPECT_EQ(queue.find(hash_of(3))->entry->value(), "a");
}

TEST(WriteQueue, IsBounded) {
  WriteQueue queue(1000);
  EXPECT_FALSE(queue.put(entry_of(1, std::string(1000, 'x'))));
  ASSERT_TRUE(queue.put(entry_of(1, std::string(500, 'x'))));
  EXPECT_FALSE(queue.put(entry_of(2, std::string(500, 'x'))));
  ASSERT_TRUE(queue.put(entry_of(1, "short")));  // replacing frees
  int erased = 0;
  while (queue.erase(hash_of(100 + static_cast<std::uint64_t>(erased)))) ++erased;
  EXPECT_GT(erased, 5);
  EXPECT_LE(queue.gathering_bytes(), 2000u);
  queue.begin_writing();
  queue.written();
  EXPECT_EQ(queue.gathering_bytes(), 0u);
  EXPECT_TRUE(queue.put(entry_of(2, std::string(500, 'x'))));
}

}  // namespace
}  // namespace sovereign::cache
