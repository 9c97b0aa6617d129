#include "server/http/connection.h"

#include <spdlog/spdlog.h>
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <tuple>

#include "server/api_error.h"
#include "server/http/request_id.h"

namespace sovereign::server {

namespace {

using Clock = std::chrono::steady_clock;

// Bytes of following requests that are read while a handler works. A client that pipelines more than
// this is noticed leaving only when it is written to.
constexpr std::size_t kReadAheadBytes = 64 * 1024;

// After the last answer, what still arrives is read and thrown away, for a bounded time and amount:
// closing on unread bytes resets the connection, and the client would lose the answer.
constexpr std::chrono::milliseconds kLingerTimeout{2000};
constexpr std::size_t kLingerBytesMax = 64 * 1024 * 1024;

constexpr std::ptrdiff_t kNetworkBytes = 8;  // of an IPv6 address

constexpr unsigned kMethodNotAllowed = 405;
constexpr unsigned kRequestTimeout = 408;

// One who has a network of IPv6 has all its addresses, so the network counts.
std::string peer_of(const asio::ip::tcp::socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return {};
  const auto address = endpoint.address();
  if (!address.is_v6()) return address.to_string();
  if (address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + kNetworkBytes, bytes.end(), static_cast<unsigned char>(0));
  return asio::ip::address_v6(bytes).to_string();
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, ServerState& state)
    : state_(state),
      stream_(std::move(socket), state.tls.get()),
      input_(stream_, kReadAheadBytes),
      output_(stream_, state.config.write_timeout, state.config.min_read_rate),
      reader_({state.config.max_body_bytes, state.config.max_header_bytes}),
      peer_(peer_of(stream_.socket())),
      guard_(stream_.executor()) {}

asio::awaitable<void> Connection::run(std::shared_ptr<Connection> self) {
  bool ready = true;
  if (self->stream_.encrypted()) ready = co_await self->handshake();
  Next next = ready ? Next::keep : Next::close;
  while (next == Next::keep) {
    next = co_await self->serve_one();
    self->served_ = true;
  }
  if (next == Next::linger) co_await self->close_gently();
  if (self->output_.too_slow()) TransportMetrics::add(self->state_.metrics.slow_clients_dropped);
  self->stream_.close();
}

void Connection::drain() {
  boost::system::error_code error;
  if (idle_ && stream_.socket().available(error) == 0) stream_.close();
}

void Connection::abort() {
  stream_.close();
  if (exchange_ != nullptr) exchange_->client_left();
}

void Connection::close_after(std::chrono::milliseconds timeout) {
  guard_.expires_after(timeout);
  guard_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    if (error) return;
    if (const auto self = weak.lock()) self->stream_.close();
  });
}

asio::awaitable<bool> Connection::handshake() {
  close_after(state_.config.header_timeout);
  const auto outcome = co_await stream_.tls().async_handshake(asio::ssl::stream_base::server,
                                                              asio::as_tuple(asio::use_awaitable));
  guard_.cancel();
  co_return !std::get<0>(outcome);
}

asio::awaitable<bool> Connection::first_byte() {
  // A connection that never asked anything is not worth more patience than a header.
  const auto patience = served_ ? state_.config.idle_timeout
                                : std::min(state_.config.idle_timeout, state_.config.header_timeout);
  const auto deadline = Clock::now() + patience;
  const auto self = shared_from_this();
  while (input_.unread().empty()) {
    boost::system::error_code error;
    if (state_.draining && stream_.socket().available(error) == 0) co_return false;
    idle_ = true;
    const Input::Event event = co_await input_.more(self, deadline);
    idle_ = false;
    if (event != Input::Event::bytes) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> Connection::read_while(RequestReader::State stage, Input::Deadline deadline) {
  const auto self = shared_from_this();
  timed_out_ = false;
  while (true) {
    const std::size_t consumed = reader_.feed(input_.unread());
    input_.consume(consumed);
    if (reader_.state() != stage) co_return true;
    if (consumed > 0 && !input_.unread().empty()) continue;
    const Input::Event event = co_await input_.more(self, deadline);
    if (event == Input::Event::bytes) continue;
    timed_out_ = event == Input::Event::timeout;
    co_return false;
  }
}

void Connection::begin_request() {
  HttpRequest& request = reader_.request();
  request.request_id = choose_request_id(request.header("X-Request-Id"));
  request.peer = peer_;
  framing_ = {};
  framing_.http10 = reader_.http10();
  framing_.head_only = request.method == "HEAD";
  framing_.keep_alive = reader_.keep_alive() && !state_.draining;
  framing_.request_id = request.request_id;
  framing_.extra_headers = state_.cors.headers(request);
}

asio::awaitable<Connection::Next> Connection::serve_one() {
  reader_.reset();
  const bool begun = co_await first_byte();
  if (!begun) co_return Next::close;
  request_began_ = Clock::now();

  const bool have_header =
      co_await read_while(RequestReader::State::header, request_began_ + state_.config.header_timeout);
  if (!have_header && !timed_out_) co_return Next::close;
  begin_request();
  if (!have_header) {
    framing_.keep_alive = false;
    HttpResponse late = error_response(kRequestTimeout, "The header took too long to arrive.", "timeout");
    co_return co_await answer(std::move(late));
  }

  Router::Match match;
  std::optional<HttpResponse> early;
  if (reader_.state() != RequestReader::State::failed) {
    match = state_.router.match(reader_.request().method, reader_.raw_path());
    early = answer_early(match);
  }
  if (early) {
    // The body, if there is one, is not wanted, and the next request is behind it.
    if (reader_.state() != RequestReader::State::done) framing_.keep_alive = false;
    co_return co_await answer(std::move(*early));
  }

  if (reader_.state() == RequestReader::State::body) {
    if (reader_.expects_continue() && input_.unread().empty()) {
      output_.buffer() += "HTTP/1.1 100 Continue\r\n\r\n";
      output_.send(shared_from_this());
    }
    const bool have_body =
        co_await read_while(RequestReader::State::body, Clock::now() + state_.config.body_timeout);
    if (!have_body && !timed_out_) co_return Next::close;
    if (!have_body) {
      framing_.keep_alive = false;
      HttpResponse late = error_response(kRequestTimeout, "The body took too long to arrive.", "timeout");
      co_return co_await answer(std::move(late));
    }
  }
  if (reader_.state() == RequestReader::State::failed) {
    framing_.keep_alive = false;
    const auto& failure = reader_.failure();
    HttpResponse refusal = error_response(failure.status, failure.message, failure.code);
    co_return co_await answer(std::move(refusal));
  }
  co_return co_await handle(match);
}

std::optional<HttpResponse> Connection::check_key(const ApiKeys& keys) {
  if (keys.empty()) return std::nullopt;
  const auto authorization = reader_.request().header("Authorization");
  if (auto digest = keys.accept(authorization)) {
    reader_.request().key_digest = std::move(*digest);
    return std::nullopt;
  }
  HttpResponse refusal =
      error_response(http_status(ErrorCode::unauthenticated),
                     authorization.empty() ? "An API key is needed: send it as 'Authorization: Bearer KEY'."
                                           : "The API key is wrong.",
                     "invalid_api_key");
  refusal.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"sovereign\"");
  return refusal;
}

std::optional<HttpResponse> Connection::answer_early(const Router::Match& match) {
  const HttpRequest& request = reader_.request();
  const bool known = match.handler != nullptr || !match.allowed_methods.empty() || request.path == "*";
  if (request.method == "OPTIONS" && match.handler == nullptr && known) {
    const std::string methods =
        (match.allowed_methods.empty() ? "GET, HEAD, POST" : match.allowed_methods) + ", OPTIONS";
    if (Cors::is_preflight(request)) return state_.cors.preflight(request, methods);
    HttpResponse options;
    options.status = 204;
    options.headers.emplace_back("Allow", methods);
    return options;
  }
  const auto keys = state_.keys.get();
  if (match.access == Access::admin && keys->admin.empty()) {
    return error_response(http_status(ErrorCode::permission_denied),
                          "Administration is off: set server.admin_key_hashes to open it.", "admin_disabled");
  }
  if (match.access != Access::open) {
    auto refusal = check_key(match.access == Access::admin ? keys->admin : keys->api);
    if (refusal) return refusal;
  }
  if (match.handler != nullptr) return std::nullopt;
  if (match.allowed_methods.empty()) {
    return error_response(http_status(ErrorCode::not_found),
                          "There is nothing at " + request.method + " " + request.path + ".", "unknown_url");
  }
  HttpResponse refusal = error_response(
      kMethodNotAllowed, request.path + " takes " + match.allowed_methods + ", not " + request.method + ".",
      "method_not_allowed");
  refusal.headers.emplace_back("Allow", match.allowed_methods);
  return refusal;
}

asio::awaitable<Connection::Next> Connection::handle(const Router::Match& match) {
  HttpRequest& request = reader_.request();
  request.path_parameters = match.path_parameters;
  const auto self = shared_from_this();
  HttpExchange exchange(self, request, framing_, output_, state_.config.max_unsent_bytes,
                        state_.config.write_timeout, executor());
  exchange_ = &exchange;
  input_.watch(self, [&exchange] { exchange.client_left(); });
  output_.on_break([&exchange] { exchange.client_left(); });
  TransportMetrics::add(state_.metrics.requests_in_flight);

  std::string thrown;
  try {
    asio::awaitable<void> work = (*match.handler)(exchange);
    co_await std::move(work);
  } catch (const std::exception& error) {
    thrown = error.what();
  } catch (...) {
    thrown = "an unknown exception";
  }

  TransportMetrics::subtract(state_.metrics.requests_in_flight);
  input_.unwatch();
  output_.on_break(nullptr);
  exchange_ = nullptr;
  if (exchange.gone()) TransportMetrics::add(state_.metrics.clients_gone);
  if (!thrown.empty()) spdlog::error("request {}: its handler failed: {}", request.request_id, thrown);

  switch (exchange.progress()) {
    case HttpExchange::Progress::nothing: {
      if (exchange.gone()) co_return Next::close;
      HttpResponse failure = error_response(
          http_status(ErrorCode::internal),
          "The server failed to answer; its log has the details under " + request.request_id + ".",
          "internal");
      co_return co_await answer(std::move(failure));
    }
    case HttpExchange::Progress::streaming:
      // Cut off without the last chunk, so that the client cannot take it for the whole.
      log_answer(exchange.status());
      co_await output_.flush_all();
      co_return Next::close;
    case HttpExchange::Progress::answered:
    case HttpExchange::Progress::streamed: break;
  }
  log_answer(exchange.status());
  // A client may have sent several requests and shut down its side: those that need no waiting are answered
  // still; whoever waits counts as gone when his client shuts down its side (docs/api.md).
  const bool heard_all = input_.ended() && input_.unread().empty();
  if (output_.broken() || heard_all || !stream_.socket().is_open()) co_return Next::close;
  co_return exchange.keep_alive() && !state_.draining ? Next::keep : Next::linger;
}

asio::awaitable<Connection::Next> Connection::answer(HttpResponse response) {
  const bool keep_alive = framing_.keep_alive;
  log_answer(response.status);
  append_response(output_.buffer(), framing_, response);
  output_.send(shared_from_this());
  const bool sent = co_await output_.flush_all();
  if (!sent) co_return Next::close;
  co_return keep_alive ? Next::keep : Next::linger;
}

asio::awaitable<void> Connection::close_gently() {
  const auto self = shared_from_this();
  const auto deadline = Clock::now() + kLingerTimeout;
  boost::system::error_code ignored;
  if (!stream_.encrypted()) stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  // Under TLS our close_notify would forbid the client's bytes, so wait for those only when a request
  // was left half-read.
  const bool wait = !stream_.encrypted() || reader_.state() != RequestReader::State::done;
  std::size_t discarded = input_.unread().size();
  while (wait && discarded < kLingerBytesMax) {
    input_.consume(input_.unread().size());
    const Input::Event event = co_await input_.more(self, deadline);
    if (event != Input::Event::bytes) break;
    discarded += input_.unread().size();
  }
  if (!stream_.encrypted()) co_return;
  close_after(kLingerTimeout);
  co_await stream_.tls().async_shutdown(asio::as_tuple(asio::use_awaitable));
  guard_.cancel();
}

void Connection::log_answer(unsigned status) const {
  if (status / 100 < state_.metrics.responses.size()) {
    TransportMetrics::add(state_.metrics.responses[status / 100]);
  }
  if (!spdlog::should_log(spdlog::level::debug)) return;
  // Without the query and the headers, which may hold secrets.
  const std::string& target = reader_.raw_target();
  const auto elapsed = std::chrono::duration<double, std::milli>(Clock::now() - request_began_);
  spdlog::debug("{} {} {} -> {} in {:.1f} ms", framing_.request_id, reader_.request().method,
                std::string_view(target).substr(0, target.find('?')), status, elapsed.count());
}

}  // namespace sovereign::server
