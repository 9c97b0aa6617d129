#include "cache/lookup_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

namespace sovereign::cache {
namespace {

using namespace std::chrono_literals;

// A lookup that says what it was told, and one that stays until it may go.
LookupThreads::Lookup telling(const std::shared_ptr<std::promise<bool>>& told) {
  return [told](bool look) { told->set_value(look); };
}
std::shared_ptr<std::promise<bool>> promise() { return std::make_shared<std::promise<bool>>(); }

class Stuck {
 public:
  LookupThreads::Lookup lookup() {
    return [this](bool) {
      entered_.set_value();
      released_.get_future().wait();
    };
  }
  void wait_until_in() { entered_.get_future().wait(); }
  void release() { released_.set_value(); }

 private:
  std::promise<void> entered_;
  std::promise<void> released_;
};

TEST(LookupThreads, LookOnAThreadOfTheirOwn) {
  LookupThreads threads({.threads = 2, .max_waiting = 8, .max_wait = 1h});
  std::promise<std::thread::id> where;
  ASSERT_TRUE(threads.post([&](bool look) {
    EXPECT_TRUE(look);
    where.set_value(std::this_thread::get_id());
  }));
  EXPECT_NE(where.get_future().get(), std::this_thread::get_id());
}

TEST(LookupThreads, WhoWaitsTooLongGoesOnWithout) {
  Stuck stuck;
  LookupThreads threads({.threads = 1, .max_waiting = 8, .max_wait = 1ms});
  ASSERT_TRUE(threads.post(stuck.lookup()));
  stuck.wait_until_in();
  const auto told = promise();
  ASSERT_TRUE(threads.post(telling(told)));
  EXPECT_FALSE(told->get_future().get()) << "though the only thread is stuck";
  stuck.release();
}

TEST(LookupThreads, PastTheBoundNobodyIsTaken) {
  Stuck stuck;
  const auto told = promise();
  {
    LookupThreads threads({.threads = 1, .max_waiting = 1, .max_wait = 1h});
    ASSERT_TRUE(threads.post(stuck.lookup()));
    stuck.wait_until_in();
    ASSERT_TRUE(threads.post(telling(told)));
    EXPECT_FALSE(threads.post([](bool) { FAIL(); }));
    stuck.release();
  }
  told->get_future().get();  // looked, or was turned away at the end: told in any case
}

TEST(LookupThreads, TheEndTellsAllWhoWait) {
  Stuck stuck;
  std::vector<std::shared_ptr<std::promise<bool>>> told;
  auto threads =
      std::make_unique<LookupThreads>(LookupThreadsConfig{.threads = 1, .max_waiting = 8, .max_wait = 1h});
  ASSERT_TRUE(threads->post(stuck.lookup()));
  stuck.wait_until_in();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(threads->post(telling(told.emplace_back(promise()))));
  std::thread ending([&] { threads.reset(); });
  for (const auto& each : told) EXPECT_FALSE(each->get_future().get());
  stuck.release();
  ending.join();
}

TEST(LookupThreads, ManyComeAllAreTold) {
  std::atomic<int> told{0};
  int posted = 0;
  {
    LookupThreads threads({.threads = 3, .max_waiting = 16, .max_wait = 1ms});
    std::vector<std::thread> clients;
    std::atomic<int> taken{0};
    for (int c = 0; c < 4; ++c) {
      clients.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) taken += threads.post([&](bool) { ++told; }) ? 1 : 0;
      });
    }
    for (auto& client : clients) client.join();
    posted = taken;
  }
  EXPECT_EQ(told, posted);
}

}  // namespace
}  // namespace sovereign::cache
