#include "net/name_lookups.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <future>
#include <thread>

namespace sovereign::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// "hangs…" are looked up until the test says so; each other name is 127.0.0.1.
class NameLookupsTest : public ::testing::Test {
 protected:
  NameLookups::Resolve resolver() {
    return [this, go = go_.get_future().share()](const std::string& host, std::uint16_t port, error_code&) {
      ++asked_;
      if (host.starts_with("hangs")) go.wait();
      const asio::ip::tcp::endpoint here(asio::ip::address_v4::loopback(), port);
      auto found = NameLookup::Endpoints::create(here, host, std::to_string(port));
      if (host.starts_with("hangs")) ended_ = true;
      return found;
    };
  }
  // Waits as a connection does.
  bool wait(const std::shared_ptr<NameLookup>& lookup, std::chrono::milliseconds limit) {
    if (lookup->arrived) return true;
    const auto timer = std::make_shared<asio::steady_timer>(context_, limit);
    lookup->wake(timer);
    timer->async_wait([](const error_code&) {});
    context_.restart();
    context_.run();
    return lookup->arrived;
  }

  std::promise<void> go_;
  std::atomic<bool> ended_{false};
  std::atomic<int> asked_{0};
  asio::io_context context_;
};

TEST_F(NameLookupsTest, AddressesAreKnown) {
  NameLookups names(context_.get_executor(), resolver());
  for (const char* address : {"127.0.0.1", "::1"}) {
    const auto lookup = names.look_up(address, 80);
    ASSERT_TRUE(lookup->arrived);
    EXPECT_FALSE(lookup->error);
    ASSERT_EQ(lookup->endpoints.size(), 1U);
    EXPECT_EQ(lookup->endpoints.begin()->endpoint().address().to_string(), address);
    EXPECT_EQ(lookup->endpoints.begin()->endpoint().port(), 80);
  }
  EXPECT_EQ(asked_, 0);
}

// One name that the resolver could not find out held up the connections to all other hosts.
TEST_F(NameLookupsTest, ANameThatHangsHoldsUpNobodyElse) {
  NameLookups names(context_.get_executor(), resolver());
  const auto hangs = names.look_up("hangs.example", 80);
  EXPECT_FALSE(wait(hangs, std::chrono::milliseconds(10)));
  EXPECT_TRUE(wait(names.look_up("well.example", 80), std::chrono::seconds(30)));
  EXPECT_EQ(names.look_up("hangs.example", 80), hangs) << "one look-up for all who ask meanwhile";
  EXPECT_EQ(asked_, 2);
  go_.set_value();
  EXPECT_TRUE(wait(hangs, std::chrono::seconds(30)));
  EXPECT_EQ(hangs->endpoints.size(), 1U);
  EXPECT_TRUE(wait(names.look_up("well.example", 80), std::chrono::seconds(30)));
  EXPECT_EQ(asked_, 3) << "what was answered is not kept";
}

TEST_F(NameLookupsTest, AnAnswerThatComesTooLateFindsNobody) {
  {
    NameLookups names(context_.get_executor(), resolver());
    EXPECT_FALSE(names.look_up("hangs.example", 80)->arrived);
  }
  go_.set_value();
  while (!ended_) std::this_thread::yield();
  context_.run();
}

}  // namespace
}  // namespace sovereign::net
