#include "base/huge_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sovereign {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

bool all_zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

TEST(HugePages, AreZeroedAndAlignedWhereTheyAreHuge) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{5000}, kMegabyte, 2 * kMegabyte, 5 * kMegabyte + 1}) {
    const HugePages pages(size);
    ASSERT_EQ(pages.bytes().size(), size);
    EXPECT_TRUE(all_zero(pages.bytes())) << size;
    const std::size_t page = size < 2 * kMegabyte ? 4096 : 2 * kMegabyte;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pages.bytes().data()) % page, 0u) << size;
    std::ranges::fill(pages.bytes(), std::byte{7});  // all of it can be written
  }
}

TEST(HugePages, MoveWithWhatTheyHold) {
  HugePages first(4096);
  first.bytes()[17] = std::byte{1};
  HugePages second(std::move(first));
  EXPECT_EQ(second.bytes()[17], std::byte{1});
  HugePages third;
  EXPECT_TRUE(third.bytes().empty());
  third = std::move(second);
  EXPECT_EQ(third.bytes()[17], std::byte{1});
  EXPECT_TRUE(HugePages(0).bytes().empty());
}

}  // namespace
}  // namespace sovereign
