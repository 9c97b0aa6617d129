// What all connections of one server share. Immutable while it serves, but for the keys and the atomics.
#pragma once

#include <atomic>
#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "server/api_keys.h"
#include "server/cors.h"
#include "server/http/transport_metrics.h"
#include "server/router.h"
#include "server/server_config.h"

namespace sovereign::server {

struct ServerState {
  ServerConfig config;
  Router router;
  AccessKeys keys;
  Cors cors;
  std::shared_ptr<boost::asio::ssl::context> tls;  // null: plain HTTP
  TransportMetrics metrics;
  std::atomic<bool> draining{false};
};

}  // namespace sovereign::server
