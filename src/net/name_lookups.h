// Where a host's name leads, found out without holding up anybody else's connections.
//
// A look-up blocks for as long as the system's resolver does, which may be half a minute, and cannot be
// interrupted: each has a thread of its own, whose answer finds nobody when it comes too late. Who asks for a
// name that is being looked up waits for that answer, so there are never more threads than names. Addresses
// are not looked up.
//
// Private to net/. Not thread-safe: lives on one executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sovereign::net {

struct NameLookup {
  using Endpoints = boost::asio::ip::tcp::resolver::results_type;

  // Wakes that timer when the answer is there.
  void wake(const std::shared_ptr<boost::asio::steady_timer>& waiter);

  bool arrived = false;
  boost::system::error_code error;  // once it arrived
  Endpoints endpoints;              // likewise
  std::vector<std::weak_ptr<boost::asio::steady_timer>> waiters;
};

class NameLookups {
 public:
  // Blocks.
  using Resolve = std::function<NameLookup::Endpoints(const std::string& host, std::uint16_t port,
                                                      boost::system::error_code& error)>;
  static NameLookup::Endpoints ask_system(const std::string& host, std::uint16_t port,
                                          boost::system::error_code& error);

  explicit NameLookups(boost::asio::any_io_executor executor, Resolve resolve = ask_system);
  ~NameLookups();
  NameLookups(const NameLookups&) = delete;
  NameLookups& operator=(const NameLookups&) = delete;

  // An address has its answer at once.
  std::shared_ptr<NameLookup> look_up(const std::string& host, std::uint16_t port);

 private:
  struct State;
  const Resolve resolve_;
  const std::shared_ptr<State> state_;
};

bool is_address(const std::string& host);

}  // namespace sovereign::net
