// Kept-alive connections of the HTTP client, by origin; the latest used goes out first.
//
// Private to net/. Not thread-safe.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "net/http_connection.h"

namespace sovereign::net {

class ConnectionPool {
 public:
  ConnectionPool(std::size_t max_connections, Duration idle_lifetime)
      : max_connections_(max_connections), idle_lifetime_(idle_lifetime) {}

  // A live connection to that origin; null when there is none. Dead and old ones are closed on the way.
  std::shared_ptr<HttpConnection> take(const std::string& origin, Time now);
  // Past the bound the connection that was idle longest is closed.
  void give(const std::string& origin, std::shared_ptr<HttpConnection> connection, Time now);
  std::size_t size() const { return idle_.size(); }

 private:
  std::size_t max_connections_;
  Duration idle_lifetime_;
  std::deque<std::pair<std::string, std::shared_ptr<HttpConnection>>> idle_;  // oldest first
};

}  // namespace sovereign::net
