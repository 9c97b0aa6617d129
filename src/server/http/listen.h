// The listening socket.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/result.h"
#include "server/server_config.h"

namespace sovereign::server {

// Resolves the host (IPv4 first), binds and listens. Errors say what to do: already_exists (port
// taken), not_found (no such host), permission_denied (port below 1024), invalid_argument (an address
// that this machine does not have).
result<boost::asio::ip::tcp::acceptor> listen(boost::asio::io_context& io, const ServerConfig& config);

}  // namespace sovereign::server
