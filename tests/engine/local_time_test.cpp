// What llama.cpp asks for the local time has an object for each thread (src/engine/local_time.cpp).
#include <gtest/gtest.h>

#include <ctime>
#include <thread>

namespace sovereign::engine {
namespace {

TEST(LocalTime, EachThreadHasAnObjectOfItsOwn) {
  const std::time_t time = 1'700'000'000;
  const std::tm* const here = std::localtime(&time);
  const std::tm* there = nullptr;
  std::tm read{};
  std::thread([&] {
    there = std::localtime(&time);
    read = *there;
  }).join();
  EXPECT_NE(here, there);
  EXPECT_EQ(read.tm_year, here->tm_year);
  EXPECT_EQ(read.tm_min, here->tm_min);
  EXPECT_EQ(std::localtime(&time), here);
}

}  // namespace
}  // namespace sovereign::engine
