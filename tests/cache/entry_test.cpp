#include "cache/entry.h"

#include <gtest/gtest.h>

#include "cache_support.h"

namespace sovereign::cache {
namespace {

TEST(Entry, HoldsCopiesOfKeyAndValue) {
  std::string encoding = "an encoding";
  std::string value("an answer\0with a zero", 21);
  const EntryPtr entry = Entry::make(key_of(encoding), value, at_ms(5), at_ms(10));
  encoding.assign(encoding.size(), '-');
  value.assign(value.size(), '-');
  EXPECT_EQ(entry->encoding(), "an encoding");
  EXPECT_EQ(entry->value(), std::string_view("an answer\0with a zero", 21));
  EXPECT_EQ(entry->hash(), hash128("an encoding"));
  EXPECT_EQ(entry->footprint(), sizeof(Entry) + 11 + 21);
}

TEST(Entry, AgesAndExpires) {
  const EntryPtr entry = entry_of(1, "v", at_ms(100), at_ms(50));
  EXPECT_EQ(entry->age(at_ms(60)).count(), 10);
  EXPECT_EQ(entry->age(at_ms(40)).count(), 0);  // the clock was set back
  EXPECT_FALSE(entry->expired(at_ms(99)));
  EXPECT_TRUE(entry->expired(at_ms(100)));
  EXPECT_FALSE(entry_of(1, "")->expired(at_ms(1'000'000'000'000)));
}

}  // namespace
}  // namespace sovereign::cache
