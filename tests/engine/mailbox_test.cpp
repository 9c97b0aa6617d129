#include "engine/mailbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace sovereign::engine {
namespace {

TEST(Mailbox, GivesMessagesInTheOrderTheyWerePushed) {
  Mailbox<int> mailbox;
  for (int i = 0; i < 5; ++i) mailbox.push(i);
  EXPECT_EQ(mailbox.take_all(), (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(mailbox.take_all().empty());
}

TEST(Mailbox, LosesNothingWithManyProducersAndKeepsEachOnesOrder) {
  constexpr int kProducers = 4;
  constexpr int kMessages = 20'000;
  Mailbox<std::pair<int, int>> mailbox;
  std::vector<std::thread> producers;
  for (int producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&mailbox, producer] {
      for (int i = 0; i < kMessages; ++i) mailbox.push({producer, i});
    });
  }
  std::vector<int> next(kProducers, 0);
  int received = 0;
  while (received < kProducers * kMessages) {
    mailbox.wait();
    for (const auto& [producer, number] : mailbox.take_all()) {
      ASSERT_EQ(number, next[static_cast<std::size_t>(producer)]++);
      ++received;
    }
  }
  for (auto& producer : producers) producer.join();
}

TEST(Mailbox, WhatIsLeftIsDestroyedWithIt) {
  auto content = std::make_shared<int>(1);
  {
    Mailbox<std::shared_ptr<int>> mailbox;
    mailbox.push(content);
  }
  EXPECT_EQ(content.use_count(), 1);
}

}  // namespace
}  // namespace sovereign::engine
