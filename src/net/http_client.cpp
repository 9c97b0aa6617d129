#include "net/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <deque>
#include <functional>

#include "net/connection_pool.h"
#include "net/http_connection.h"
#include "net/http_request.h"
#include "net/url.h"

namespace sovereign::net {
namespace {

namespace http = beast::http;
using boost::system::error_code;
using ResponseParser = http::response_parser<http::buffer_body>;

constexpr int kMaxInterimResponses = 8;  // 1xx answers before the real one

// Where requests of one URL go. A client's requests go to few places, again and again.
struct Destination {
  Url url;
  std::string origin;
};
using DestinationPtr = std::shared_ptr<const Destination>;
constexpr std::size_t kKnownDestinations = 8;

Time later(Time from, std::chrono::milliseconds by) { return by.count() == 0 ? Time::max() : from + by; }

bool is_eof(const error_code& ec) {
  return ec == asio::error::eof || ec == asio::ssl::error::stream_truncated;
}

bool is_lost(const error_code& ec) {
  return is_eof(ec) || ec == asio::error::connection_reset || ec == asio::error::broken_pipe ||
         ec == asio::error::connection_aborted;
}

}  // namespace

struct HttpClient::Core {
  Core(asio::any_io_executor on, HttpClientConfig with)
      : executor(std::move(on)),
        config(std::move(with)),
        names(executor),
        pool(config.max_idle_connections, config.idle_lifetime) {}

  // Made at the first https request, or before.
  result<asio::ssl::context*> tls_context() {
    if (tls) return &*tls;
    asio::ssl::context context(asio::ssl::context::tls_client);
    error_code ec;
    if (SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION) != 1) {
      return fail(ErrorCode::internal, "OpenSSL refused TLS 1.2 as the lowest version");
    }
    if (config.tls_verify) {
      context.set_verify_mode(asio::ssl::verify_peer, ec);
      if (!ec && config.ca_file.empty()) context.set_default_verify_paths(ec);
      if (!ec && !config.ca_file.empty()) context.load_verify_file(config.ca_file, ec);
      if (ec) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("cannot load trusted certificates: {}", ec.message()), config.ca_file);
      }
    }
    tls.emplace(std::move(context));
    return &*tls;
  }

  result<DestinationPtr> destination(const std::string& text) {
    for (const auto& [known, where] : destinations) {
      if (known == text) return where;
    }
    auto url = parse_url(text);
    if (!url) return fail(url.error());
    auto where = std::make_shared<Destination>();
    where->origin = url->origin();
    where->url = std::move(*url);
    if (destinations.size() == kKnownDestinations) destinations.pop_front();
    destinations.emplace_back(text, where);
    return where;
  }

  asio::any_io_executor executor;
  HttpClientConfig config;
  std::deque<std::pair<std::string, DestinationPtr>> destinations;  // oldest first
  std::optional<asio::ssl::context> tls;                            // outlives the connections of the pool
  NameLookups names;
  ConnectionPool pool;
};

// One request on one connection, from the first byte out to the last byte in.
struct ResponseStream::Exchange {
  Exchange(std::shared_ptr<HttpClient::Core> the_core, ClientRequest the_request, DestinationPtr where,
           std::string the_head)
      : core(std::move(the_core)),
        request(std::move(the_request)),
        destination(std::move(where)),
        url(destination->url),
        head(std::move(the_head)),
        total_deadline(later(SteadyClock().now(), request.timeouts.total)) {}

  ~Exchange() {
    on_stop.reset();
    if (connection) connection->abort();
  }

  Time phase_deadline(std::chrono::milliseconds limit) const {
    return std::min(total_deadline, later(SteadyClock().now(), limit));
  }

  tl::unexpected<Error> failure(const error_code& ec, std::string_view doing,
                                std::chrono::milliseconds limit) const {
    if (request.stop.stop_requested()) {
      return fail(ErrorCode::cancelled, fmt::format("the request to {} was cancelled", destination->origin));
    }
    if (ec == beast::error::timeout) {
      const bool total = SteadyClock().now() >= total_deadline;
      return fail(ErrorCode::deadline_exceeded,
                  fmt::format("{} {} took longer than {} ms{}", doing, destination->origin,
                              total ? request.timeouts.total.count() : limit.count(),
                              total ? " for the whole request" : ""));
    }
    if (ec == asio::error::no_buffer_space) {
      return fail(ErrorCode::resource_exhausted,
                  fmt::format("{} sent more than fits the buffer", destination->origin));
    }
    return fail(ErrorCode::unavailable,
                fmt::format("{} {} failed: {}", doing, destination->origin, ec.message()));
  }

  tl::unexpected<Error> not_http(const error_code& ec) const {
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
      return fail(ErrorCode::resource_exhausted,
                  fmt::format("the answer's headers from {} are larger than {} bytes", destination->origin,
                              core->config.max_header_bytes));
    }
    if (ec == http::error::partial_message || ec == http::error::end_of_stream) {
      return fail(ErrorCode::corrupt, fmt::format("the answer from {} was cut short", destination->origin));
    }
    return fail(ErrorCode::corrupt,
                fmt::format("{} did not answer in HTTP/1: {}", destination->origin, ec.message()));
  }

  // Takes a kept-alive connection when allowed and there is one, else opens one.
  asio::awaitable<result<void>> connect(bool may_reuse) {
    connection = may_reuse ? core->pool.take(destination->origin, SteadyClock().now()) : nullptr;
    asio::ssl::context* tls = nullptr;
    if (!connection && url.tls) {
      const auto context = core->tls_context();
      if (!context) co_return fail(context.error());
      tls = *context;
    }
    const bool fresh = !connection;
    if (fresh) {
      connection = std::make_shared<HttpConnection>(
          core->executor, tls, core->config.max_header_bytes + HttpConnection::kPieceBytes);
    }
    on_stop.reset();
    // The callback may run on any thread, so it only posts; the connection may be gone by then.
    on_stop.emplace(request.stop, [weak = std::weak_ptr(connection), executor = core->executor] {
      asio::post(executor, [weak] {
        if (const auto alive = weak.lock()) alive->abort();
      });
    });
    if (request.stop.stop_requested()) co_return failure({}, {}, {});
    if (!fresh) co_return result<void>{};
    const error_code ec =
        co_await connection->connect(url, core->names, phase_deadline(request.timeouts.connect));
    if (ec) co_return failure(ec, "connecting to", request.timeouts.connect);
    co_return result<void>{};
  }

  // Reads until the parser has the headers of the final answer. `lost`: the peer closed before the first
  // byte of an answer.
  asio::awaitable<result<void>> read_head(Time deadline, bool& lost) {
    bool any_byte = false;
    for (int interim = 0; interim <= kMaxInterimResponses; ++interim) {
      parser.emplace();
      parser->header_limit(static_cast<std::uint32_t>(core->config.max_header_bytes));
      parser->body_limit(boost::none);
      if (request.method == "HEAD") parser->skip(true);
      while (!parser->is_header_done()) {
        auto& buffer = connection->buffer();
        if (buffer.size() > 0) {
          error_code ec;
          buffer.consume(parser->put(buffer.data(), ec));
          if (!ec) continue;
          if (ec != http::error::need_more) co_return not_http(ec);
        }
        const auto [ec, bytes] = co_await connection->read_some(deadline);
        any_byte = any_byte || bytes > 0;
        if (bytes > 0) continue;
        lost = !any_byte && is_lost(ec) && !connection->aborted();
        if (is_eof(ec) && any_byte) co_return not_http(http::error::partial_message);
        co_return failure(ec, "waiting for an answer of", request.timeouts.first_byte);
      }
      const unsigned code = parser->get().result_int();
      if (code >= 200) co_return result<void>{};
      if (code == 101) break;  // never asked for
    }
    co_return fail(ErrorCode::corrupt,
                   fmt::format("{} answered with interim responses only", destination->origin));
  }

  // Sends the request and reads the answer's head. `retry`: it was lost in a way that allows sending again.
  asio::awaitable<result<void>> send(bool& retry) {
    const Time deadline = phase_deadline(request.timeouts.first_byte);
    const auto [write_ec, written] = co_await connection->write(head, request.body, deadline);
    if (write_ec && (!is_lost(write_ec) || connection->aborted())) {
      co_return failure(write_ec, "sending to", request.timeouts.first_byte);
    }
    bool lost = false;
    // A server may answer (413, 401) and close before it has read the whole request.
    result<void> outcome = co_await read_head(deadline, lost);
    if (write_ec) broken = true;
    const bool untouched = write_ec && written == 0 && !connection->tls();
    retry = !outcome && lost && connection->reused && (untouched || is_idempotent(request));
    co_return outcome;
  }

  void take_head() {
    const auto& message = parser->get();
    status = message.result_int();
    for (const auto& field : message) {
      headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
  }

  // The end of the body: the connection goes back to the pool when it may be used again.
  void finish() {
    if (!connection) return;
    on_stop.reset();
    if (parser->keep_alive() && !broken && connection->buffer().size() == 0 && !connection->aborted()) {
      core->pool.give(destination->origin, std::move(connection), SteadyClock().now());
    } else {
      connection->abort();
    }
    connection.reset();
  }

  asio::awaitable<result<std::string_view>> read() {
    while (!parser->is_done()) {
      if (!connection) co_return fail(ErrorCode::unavailable, "the answer already ended with an error");
      auto& buffer = connection->buffer();
      if (buffer.size() > 0) {
        auto& body = parser->get().body();
        auto& piece = connection->piece();
        body.data = piece.data();
        body.size = piece.size();
        body.more = true;
        error_code ec;
        buffer.consume(parser->put(buffer.data(), ec));
        const std::size_t bytes = piece.size() - body.size;
        if (ec && ec != http::error::need_more && ec != http::error::need_buffer) {
          drop();
          co_return not_http(ec);
        }
        if (bytes > 0) co_return std::string_view(piece.data(), bytes);
        if (ec != http::error::need_more) continue;
      }
      const auto [ec, bytes] = co_await connection->read_some(phase_deadline(request.timeouts.idle));
      if (bytes > 0) continue;
      if (is_eof(ec) && !connection->aborted()) {
        // Only a plain end may close a body without a length: over TLS a missing goodbye is a cut.
        error_code end_ec;
        if (parser->need_eof() && ec == asio::error::eof) {
          parser->put_eof(end_ec);
        } else {
          end_ec = http::error::partial_message;
        }
        if (!end_ec) continue;
        drop();
        co_return not_http(end_ec);
      }
      auto error = failure(ec, "reading from", request.timeouts.idle);
      drop();
      co_return error;
    }
    finish();
    co_return std::string_view{};
  }

  void drop() {
    on_stop.reset();
    connection->abort();
    connection.reset();
  }

  std::shared_ptr<HttpClient::Core> core;
  ClientRequest request;
  const DestinationPtr destination;
  const Url& url;
  std::string head;
  Time total_deadline;
  std::shared_ptr<HttpConnection> connection;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;
  std::optional<ResponseParser> parser;
  bool broken = false;  // the request was not taken whole: never reuse the connection
  unsigned status = 0;
  Headers headers;
};

ResponseStream::ResponseStream(std::unique_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
ResponseStream::ResponseStream(ResponseStream&&) noexcept = default;
ResponseStream& ResponseStream::operator=(ResponseStream&&) noexcept = default;
ResponseStream::~ResponseStream() = default;

unsigned ResponseStream::status() const { return exchange_->status; }
const Headers& ResponseStream::headers() const { return exchange_->headers; }
asio::awaitable<result<std::string_view>> ResponseStream::read() { return exchange_->read(); }

HttpClient::HttpClient(asio::any_io_executor executor, HttpClientConfig config)
    : core_(std::make_shared<Core>(std::move(executor), std::move(config))) {}
HttpClient::~HttpClient() = default;

std::size_t HttpClient::idle_connections() const { return core_->pool.size(); }

result<void> HttpClient::prepare_tls() {
  if (const auto context = core_->tls_context(); !context) return fail(context.error());
  return {};
}

asio::awaitable<result<ResponseStream>> HttpClient::open(ClientRequest request) {
  return open_on(core_, std::move(request));
}

asio::awaitable<result<ClientResponse>> HttpClient::fetch(ClientRequest request) {
  return fetch_on(core_, std::move(request));
}

asio::awaitable<result<ClientResponse>> HttpClient::stream_events(ClientRequest request,
                                                                  SseCallback on_event) {
  return stream_events_on(core_, std::move(request), std::move(on_event));
}

asio::awaitable<result<ResponseStream>> HttpClient::open_on(std::shared_ptr<Core> core,
                                                            ClientRequest request) {
  auto where = core->destination(request.url);
  if (!where) co_return fail(where.error());
  auto head = render_head(request, (*where)->url, core->config.user_agent);
  if (!head) co_return fail(head.error());
  auto exchange = std::make_unique<ResponseStream::Exchange>(core, std::move(request), std::move(*where),
                                                             std::move(*head));
  for (const bool may_reuse : {true, false}) {
    const result<void> connected = co_await exchange->connect(may_reuse);
    if (!connected) co_return fail(connected.error());
    bool retry = false;
    const result<void> sent = co_await exchange->send(retry);
    if (sent) break;
    if (!retry) co_return fail(sent.error());
  }
  exchange->take_head();
  co_return ResponseStream(std::move(exchange));
}

asio::awaitable<result<std::string>> HttpClient::collect(ResponseStream& stream, std::size_t max_bytes) {
  std::string body;
  for (;;) {
    const auto piece = co_await stream.read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return body;
    if (body.size() + piece->size() > max_bytes) {
      co_return fail(ErrorCode::resource_exhausted,
                     fmt::format("the answer is larger than {} bytes", max_bytes));
    }
    body.append(*piece);
  }
}

asio::awaitable<result<ClientResponse>> HttpClient::fetch_on(std::shared_ptr<Core> core,
                                                             ClientRequest request) {
  auto stream = co_await open_on(core, std::move(request));
  if (!stream) co_return fail(stream.error());
  auto body = co_await collect(*stream, core->config.max_body_bytes);
  if (!body) co_return fail(body.error());
  co_return ClientResponse{stream->status(), stream->headers(), std::move(*body)};
}

asio::awaitable<result<ClientResponse>> HttpClient::stream_events_on(std::shared_ptr<Core> core,
                                                                     ClientRequest request,
                                                                     SseCallback on_event) {
  auto stream = co_await open_on(core, std::move(request));
  if (!stream) co_return fail(stream.error());
  ClientResponse response{stream->status(), stream->headers(), {}};
  constexpr std::string_view kEventStream = "text/event-stream";
  const std::string_view type = find_header(response.headers, "Content-Type").substr(0, kEventStream.size());
  if (response.status / 100 != 2 || !equal_names(type, kEventStream)) {
    auto body = co_await collect(*stream, core->config.max_body_bytes);
    if (!body) co_return fail(body.error());
    response.body = std::move(*body);
    co_return response;
  }
  SseParser parser(core->config.max_event_bytes);
  for (;;) {
    const auto piece = co_await stream->read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return response;
    const auto more = parser.feed(*piece, on_event);
    if (!more) co_return fail(more.error());
    if (!*more) co_return response;
  }
}

}  // namespace sovereign::net
