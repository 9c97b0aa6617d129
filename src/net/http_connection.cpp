#include "net/http_connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <cerrno>

namespace sovereign::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

void set_deadline(beast::tcp_stream& stream, Time deadline) {
  if (deadline == Time::max()) {
    stream.expires_never();
  } else {
    stream.expires_at(deadline);
  }
}

// SSL_set_tlsext_host_name() without its macro, which casts in the old style.
bool set_server_name(SSL* ssl, std::string host) {
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

}  // namespace

HttpConnection::HttpConnection(asio::any_io_executor executor, asio::ssl::context* tls,
                               std::size_t max_buffer_bytes)
    : buffer_(max_buffer_bytes) {
  if (tls != nullptr) {
    tls_stream_.emplace(executor, *tls);
  } else {
    plain_stream_.emplace(executor);
  }
}

beast::tcp_stream& HttpConnection::tcp() noexcept {
  return tls_stream_ ? beast::get_lowest_layer(*tls_stream_) : *plain_stream_;
}

asio::awaitable<error_code> HttpConnection::wait_for(std::shared_ptr<NameLookup> lookup, Time deadline) {
  if (!lookup->arrived) {
    auto timer = std::make_shared<asio::steady_timer>(tcp().get_executor(), deadline);
    lookup->wake(timer);
    resolve_timer_ = timer;
    co_await timer->async_wait(kAwait);
    resolve_timer_.reset();
  }
  if (aborted_) co_return asio::error::operation_aborted;
  if (!lookup->arrived) co_return beast::error::timeout;
  co_return lookup->error;
}

asio::awaitable<error_code> HttpConnection::connect(const Url& url, NameLookups& names, Time deadline) {
  if (aborted_) co_return asio::error::operation_aborted;
  const auto lookup = names.look_up(url.host, url.port);
  if (const error_code ec = co_await wait_for(lookup, deadline)) co_return ec;

  set_deadline(tcp(), deadline);
  const auto [connect_ec, endpoint] = co_await tcp().async_connect(lookup->endpoints, kAwait);
  if (aborted_) co_return asio::error::operation_aborted;
  if (connect_ec) co_return connect_ec;
  error_code ignored;
  tcp().socket().set_option(tcp::no_delay(true), ignored);
  if (!tls_stream_) co_return error_code{};

  if (!is_address(url.host) && !set_server_name(tls_stream_->native_handle(), url.host)) {
    co_return error_code(static_cast<int>(::ERR_get_error()), asio::error::get_ssl_category());
  }
  if (SSL_get_verify_mode(tls_stream_->native_handle()) != SSL_VERIFY_NONE) {
    error_code verify_ec;
    tls_stream_->set_verify_callback(asio::ssl::host_name_verification(url.host), verify_ec);
    if (verify_ec) co_return verify_ec;
  }
  const auto [handshake_ec] = co_await tls_stream_->async_handshake(asio::ssl::stream_base::client, kAwait);
  co_return aborted_ ? error_code(asio::error::operation_aborted) : handshake_ec;
}

asio::awaitable<HttpConnection::Io> HttpConnection::write(std::string_view head, std::string_view body,
                                                          Time deadline) {
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(head), asio::buffer(body)};
  set_deadline(tcp(), deadline);
  if (tls_stream_) {
    const auto [ec, bytes] = co_await asio::async_write(*tls_stream_, buffers, kAwait);
    co_return Io{ec, bytes};
  }
  const auto [ec, bytes] = co_await asio::async_write(*plain_stream_, buffers, kAwait);
  co_return Io{ec, bytes};
}

asio::awaitable<HttpConnection::Io> HttpConnection::read_some(Time deadline) {
  const std::size_t room = std::min(HttpConnection::kPieceBytes, buffer_.max_size() - buffer_.size());
  if (room == 0) co_return Io{asio::error::no_buffer_space, 0};
  const asio::mutable_buffer space = buffer_.prepare(room);
  set_deadline(tcp(), deadline);
  error_code ec;
  std::size_t bytes = 0;
  if (tls_stream_) {
    std::tie(ec, bytes) = co_await tls_stream_->async_read_some(space, kAwait);
  } else {
    std::tie(ec, bytes) = co_await plain_stream_->async_read_some(space, kAwait);
  }
  buffer_.commit(bytes);
  co_return Io{ec, bytes};
}

void HttpConnection::abort() noexcept {
  aborted_ = true;
  if (resolve_timer_) resolve_timer_->cancel();
  tcp().close();
}

bool HttpConnection::quiet() noexcept {
  if (aborted_ || buffer_.size() != 0) return false;
  if (tls_stream_ && SSL_pending(tls_stream_->native_handle()) > 0) return false;
  char byte = 0;
  // Over TLS a waiting byte may be a harmless session ticket or the peer's goodbye; both are rare, and
  // a new connection is always right.
  return ::recv(tcp().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

}  // namespace sovereign::net
