#include "net/name_lookups.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace sovereign::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Name = std::pair<std::string, std::uint16_t>;

// What look-ups that outlive their owner share with it.
struct NameLookups::State : std::enable_shared_from_this<State> {
  explicit State(asio::any_io_executor on) : executor(std::move(on)) {}

  // On the executor.
  void answer(const Name& name, error_code error, NameLookup::Endpoints endpoints) {
    const auto found = under_way.find(name);
    const auto lookup = std::move(found->second);
    under_way.erase(found);
    lookup->arrived = true;
    lookup->error = error;
    lookup->endpoints = std::move(endpoints);
    for (const auto& waiter : lookup->waiters) {
      if (const auto alive = waiter.lock()) alive->cancel();
    }
  }

  // On a look-up's thread. Where the owner is gone, its executor may be too.
  void post_answer(Name name, error_code error, NameLookup::Endpoints endpoints) {
    const std::lock_guard lock(mutex);
    if (!executor) return;
    asio::post(*executor, [self = shared_from_this(), of = std::move(name), error,
                           found = std::move(endpoints)] { self->answer(of, error, found); });
  }

  std::map<Name, std::shared_ptr<NameLookup>> under_way;  // on the executor
  std::mutex mutex;
  std::optional<asio::any_io_executor> executor;  // guarded by mutex; none: nobody waits any more
};

bool is_address(const std::string& host) {
  error_code ec;
  asio::ip::make_address(host, ec);
  return !ec;
}

void NameLookup::wake(const std::shared_ptr<asio::steady_timer>& waiter) {
  std::erase_if(waiters, [](const auto& each) { return each.expired(); });
  waiters.push_back(waiter);
}

NameLookup::Endpoints NameLookups::ask_system(const std::string& host, std::uint16_t port,
                                              error_code& error) {
  asio::io_context context;
  return tcp::resolver(context).resolve(host, std::to_string(port), tcp::resolver::numeric_service, error);
}

NameLookups::NameLookups(asio::any_io_executor executor, Resolve resolve)
    : resolve_(std::move(resolve)), state_(std::make_shared<State>(std::move(executor))) {}

NameLookups::~NameLookups() {
  const std::lock_guard lock(state_->mutex);
  state_->executor.reset();
}

std::shared_ptr<NameLookup> NameLookups::look_up(const std::string& host, std::uint16_t port) {
  error_code not_numeric;
  const auto address = asio::ip::make_address(host, not_numeric);
  auto lookup = std::make_shared<NameLookup>();
  if (!not_numeric) {
    lookup->arrived = true;
    lookup->endpoints =
        NameLookup::Endpoints::create(tcp::endpoint(address, port), host, std::to_string(port));
    return lookup;
  }
  const auto [known, is_new] = state_->under_way.try_emplace({host, port}, lookup);
  if (!is_new) return known->second;
  try {
    std::thread([state = state_, resolve = resolve_, name = known->first] {
      error_code error;
      auto endpoints = resolve(name.first, name.second, error);
      state->post_answer(name, error, std::move(endpoints));
    }).detach();
  } catch (const std::system_error&) {  // no thread to be had
    state_->under_way.erase(known);
    lookup->arrived = true;
    lookup->error = asio::error::try_again;
  }
  return lookup;
}

}  // namespace sovereign::net
