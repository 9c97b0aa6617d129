// An HTTP/1.1 client: http and https, kept-alive connections, streamed answers, server-sent events
// (RFC 9110, RFC 9112; WHATWG HTML 9.2).
//
// Every wait has a limit and every buffer a bound. Redirects are not followed, proxies not used, content
// encodings not asked for. Failures are result<> values: unavailable (cannot connect, connection lost),
// deadline_exceeded (which phase is in the message), cancelled (the request's stop_token), corrupt (not
// HTTP, cut short), resource_exhausted (a bound), invalid_argument (URL, header). A status of 400 or more
// is an answer, not an error.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/sse_parser.h"

namespace sovereign::net {

namespace asio = boost::asio;

using Headers = std::vector<std::pair<std::string, std::string>>;

// First header of that name, any case; empty when absent.
std::string_view find_header(const Headers& headers, std::string_view name);

// How long each phase may take; zero: no limit.
struct HttpTimeouts {
  std::chrono::milliseconds connect{5'000};      // name look-up, TCP and TLS handshakes together
  std::chrono::milliseconds first_byte{60'000};  // connected, to the end of the answer's headers
  std::chrono::milliseconds idle{60'000};        // between two pieces of the body
  std::chrono::milliseconds total{600'000};      // all of it
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;  // Host, Content-Length and Connection are the client's
  std::string body;
  // May be sent twice without harm. Absent: as the method says (RFC 9110, 9.2.2). Decides whether a
  // request that a kept-alive connection lost before the first byte of an answer is sent once more.
  std::optional<bool> idempotent;
  HttpTimeouts timeouts;
  std::stop_token stop;  // request_stop() from any thread ends the request with `cancelled`
};

// A POST of JSON; `api_key` goes into Authorization when not empty.
ClientRequest json_post(std::string url, std::string body, std::string_view api_key = {});

struct ClientResponse {
  unsigned status = 0;
  Headers headers;
  std::string body;
};

struct HttpClientConfig {
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_body_bytes = 64 * 1024 * 1024;  // of answers that fetch() collects
  std::size_t max_event_bytes = SseParser::kDefaultMaxEventBytes;
  std::size_t max_idle_connections = 64;            // kept alive, over all hosts
  std::chrono::milliseconds idle_lifetime{30'000};  // after which a kept-alive connection is not used again
  std::string ca_file;                              // PEM roots to trust; empty: the system's
  bool tls_verify = true;                           // false trusts any certificate: tests only
  std::string user_agent = "sovereign";
};

// An answer whose body is read piece by piece. Move-only. Dropped before its end, it closes the
// connection; read to the end, it gives the connection back. Must not outlive the executor.
class ResponseStream {
 public:
  ResponseStream(ResponseStream&&) noexcept;
  ResponseStream& operator=(ResponseStream&&) noexcept;
  ~ResponseStream();

  unsigned status() const;
  const Headers& headers() const;

  // The next bytes as they arrive; empty at the end. The view holds until the next call.
  asio::awaitable<result<std::string_view>> read();

 private:
  friend class HttpClient;
  struct Exchange;
  explicit ResponseStream(std::unique_ptr<Exchange> exchange);
  std::unique_ptr<Exchange> exchange_;
};

// Not thread-safe: use it from its executor, which must run one handler at a time (a single-threaded
// io_context or a strand). Requests in flight may outlive the client object.
class HttpClient {
 public:
  explicit HttpClient(asio::any_io_executor executor, HttpClientConfig config = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Loads the certificates to trust, which else the first https request does: it takes tens of milliseconds.
  // Before the first request. Errors: invalid_argument, naming ca_file.
  result<void> prepare_tls();

  // Sends a request and waits for the headers of the answer.
  asio::awaitable<result<ResponseStream>> open(ClientRequest request);

  // The whole answer, at most max_body_bytes.
  asio::awaitable<result<ClientResponse>> fetch(ClientRequest request);

  // Calls `on_event` for each event of a 2xx text/event-stream answer, on the executor, until the stream
  // ends or the callback returns false (the connection is then closed); the response's body is empty.
  // Any other answer is collected as by fetch(), without events.
  asio::awaitable<result<ClientResponse>> stream_events(ClientRequest request, SseCallback on_event);

  // Connections kept alive at the moment.
  std::size_t idle_connections() const;

 private:
  friend class ResponseStream;
  struct Core;

  // The work holds the core, not the client.
  static asio::awaitable<result<ResponseStream>> open_on(std::shared_ptr<Core> core, ClientRequest request);
  static asio::awaitable<result<ClientResponse>> fetch_on(std::shared_ptr<Core> core, ClientRequest request);
  static asio::awaitable<result<ClientResponse>> stream_events_on(std::shared_ptr<Core> core,
                                                                  ClientRequest request,
                                                                  SseCallback on_event);
  static asio::awaitable<result<std::string>> collect(ResponseStream& stream, std::size_t max_bytes);

  std::shared_ptr<Core> core_;
};

}  // namespace sovereign::net
