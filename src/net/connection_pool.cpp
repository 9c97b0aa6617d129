#include "net/connection_pool.h"

namespace sovereign::net {

std::shared_ptr<HttpConnection> ConnectionPool::take(const std::string& origin, Time now) {
  while (!idle_.empty() && now - idle_.front().second->idle_since > idle_lifetime_) idle_.pop_front();
  for (auto i = idle_.size(); i-- > 0;) {
    if (idle_[i].first != origin) continue;
    auto connection = std::move(idle_[i].second);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    if (!connection->quiet()) continue;
    connection->reused = true;
    return connection;
  }
  return nullptr;
}

void ConnectionPool::give(const std::string& origin, std::shared_ptr<HttpConnection> connection, Time now) {
  if (max_connections_ == 0) return;
  if (idle_.size() == max_connections_) idle_.pop_front();
  connection->idle_since = now;
  idle_.emplace_back(origin, std::move(connection));
}

}  // namespace sovereign::net
