#include "server/http/listen.h"

#include <boost/asio/error.hpp>
#include <string>

namespace sovereign::server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

result<tcp::endpoint> resolve(asio::io_context& io, const ServerConfig& config) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(config.host, error);
  if (!error) return tcp::endpoint(address, config.port);
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(config.host, std::to_string(config.port),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return fail(ErrorCode::not_found,
                "The host '" + config.host +
                    "' is not known. Use an address of this machine, such as 127.0.0.1 or 0.0.0.0.",
                "server.host");
  }
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

Error explain(const boost::system::error_code& error, const ServerConfig& config) {
  const std::string port = std::to_string(config.port);
  if (error == asio::error::address_in_use) {
    return {ErrorCode::already_exists,
            "Port " + port + " on " + config.host +
                " is taken by another program. Stop that one, or choose another with --port (0: any free "
                "port).",
            "server.port"};
  }
  if (error == asio::error::access_denied) {
    return {ErrorCode::permission_denied,
            "Port " + port + " may not be used by this account. Choose one above 1023 with --port.",
            "server.port"};
  }
  if (error == boost::system::errc::address_not_available) {
    return {
        ErrorCode::invalid_argument,
        "The address " + config.host + " does not belong to this machine. Use 127.0.0.1, or 0.0.0.0 for all.",
        "server.host"};
  }
  return {ErrorCode::internal,
          "Cannot listen on " + config.host + " port " + port + ": " + error.message() + ".", "server.host"};
}

}  // namespace

result<tcp::acceptor> listen(asio::io_context& io, const ServerConfig& config) {
  const auto endpoint = resolve(io, config);
  if (!endpoint) return fail(endpoint.error());
  tcp::acceptor acceptor(io);
  boost::system::error_code error;
  acceptor.open(endpoint->protocol(), error);
  // A restart must not wait for the last run's connections to leave TIME_WAIT.
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(*endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) return fail(explain(error, config));
  return acceptor;
}

}  // namespace sovereign::server
