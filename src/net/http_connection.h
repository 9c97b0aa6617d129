// One TCP or TLS connection of the HTTP client: connect, write, read, each until a deadline.
//
// Private to net/: it shows Asio and Beast. Not thread-safe; runs on the client's executor. One
// operation at a time; abort() ends it.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "net/name_lookups.h"
#include "net/url.h"

namespace sovereign::net {

namespace asio = boost::asio;
namespace beast = boost::beast;

// Time::max() as a deadline: none.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  static constexpr std::size_t kPieceBytes = 16 * 1024;
  using Io = std::pair<boost::system::error_code, std::size_t>;

  // `tls` is null for plain TCP, and outlives the connection.
  HttpConnection(asio::any_io_executor executor, asio::ssl::context* tls, std::size_t max_buffer_bytes);

  // Name look-up, TCP, and for TLS the handshake with the host's name checked.
  asio::awaitable<boost::system::error_code> connect(const Url& url, NameLookups& names, Time deadline);

  // Writes head, then body, as one gather; the count says how much the transport took.
  asio::awaitable<Io> write(std::string_view head, std::string_view body, Time deadline);

  // Appends to buffer(); the count is zero only with an error.
  asio::awaitable<Io> read_some(Time deadline);

  // Closes the socket; what waits ends with operation_aborted.
  void abort() noexcept;
  bool aborted() const noexcept { return aborted_; }

  // For a kept-alive connection: false when the peer has closed it, or sent what nobody asked for.
  bool quiet() noexcept;

  bool tls() const noexcept { return tls_stream_.has_value(); }
  beast::flat_buffer& buffer() noexcept { return buffer_; }
  // Where who reads an answer puts the piece of its body that comes next.
  std::array<char, kPieceBytes>& piece() noexcept { return piece_; }

  Time idle_since{};
  bool reused = false;

 private:
  beast::tcp_stream& tcp() noexcept;
  asio::awaitable<boost::system::error_code> wait_for(std::shared_ptr<NameLookup> lookup, Time deadline);

  std::optional<beast::tcp_stream> plain_stream_;
  std::optional<beast::ssl_stream<beast::tcp_stream>> tls_stream_;
  std::shared_ptr<asio::steady_timer> resolve_timer_;
  beast::flat_buffer buffer_;
  std::array<char, kPieceBytes> piece_;
  bool aborted_ = false;
};

}  // namespace sovereign::net
