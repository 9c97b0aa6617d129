// A TCP connection, plain or under TLS: one type for both, so that what is above is compiled once.
//
// Not thread-safe: all calls run on the socket's executor. One read and one write may be under way at
// the same time.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <optional>
#include <string>
#include <utility>

namespace sovereign::server {

namespace asio = boost::asio;

class Stream {
 public:
  // `tls` may be null; it outlives the stream.
  Stream(asio::ip::tcp::socket socket, asio::ssl::context* tls) : socket_(std::move(socket)) {
    if (tls != nullptr) tls_.emplace(socket_, *tls);
  }

  asio::any_io_executor executor() { return socket_.get_executor(); }
  bool encrypted() const { return tls_.has_value(); }
  asio::ip::tcp::socket& socket() { return socket_; }
  asio::ssl::stream<asio::ip::tcp::socket&>& tls() { return *tls_; }

  template <class Callback>
  void async_read_some(asio::mutable_buffer buffer, Callback callback) {
    if (tls_) {
      tls_->async_read_some(buffer, std::move(callback));
    } else {
      socket_.async_read_some(buffer, std::move(callback));
    }
  }

  template <class Callback>
  void async_write_some(asio::const_buffer buffer, Callback callback) {
    if (tls_) {
      tls_->async_write_some(buffer, std::move(callback));
    } else {
      socket_.async_write_some(buffer, std::move(callback));
    }
  }

  // Ends reads and writes under way with an error. May be repeated.
  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::ip::tcp::socket socket_;
  std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
};

}  // namespace sovereign::server
