// One HTTP request and the answer to it, as an API handler sees them: no sockets, no parsing.
//
// The transport (http/) implements it over Beast, plain or TLS; tests implement it in memory.
// All calls run on the connection's executor. A handler awaits one call at a time.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sovereign::server {

namespace asio = boost::asio;

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // decoded, without the query, e.g. "/v1/models/smollm2"
  std::string query;   // raw, without '?'
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // in the client's order and case
  std::vector<std::string> path_parameters;                  // what the route's {} matched, in order
  std::string request_id;  // the client's X-Request-Id when it is sane, else made up; echoed back
  // Who asks, as far as the transport has checked it. Headers can be spelt in many ways, or made up.
  std::string key_digest;  // of the API key that was accepted (hex); empty: none was asked for
  std::string peer;        // the address at the other end, for IPv6 its network (/64)

  // First header of that name, any case; empty when absent.
  std::string_view header(std::string_view name) const;
  // Of a header that is a list: its values from all lines of that name, joined by ", " (RFC 9110 5.3).
  std::string header_list(std::string_view name) const;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // besides content type and length
  std::string header_lines;  // more of them, as they go out: trusted, each with its CRLF
};

class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const HttpRequest& request() const = 0;
  virtual asio::any_io_executor executor() const = 0;

  // The whole answer. At most once, and not with a stream.
  virtual asio::awaitable<void> respond(HttpResponse response) = 0;

  // Server-sent events (WHATWG HTML 9.2): headers go out with begin_events(); send_event() writes
  // "data: <payload>\n\n"; several payloads waiting are joined into one write. They return false once
  // the client is gone or too slow (ServerConfig::write_timeout, max_unsent_bytes).
  virtual asio::awaitable<bool> begin_events(
      std::vector<std::pair<std::string, std::string>> extra_headers = {}) = 0;
  virtual asio::awaitable<bool> send_events(std::vector<std::string> payloads) = 0;
  virtual asio::awaitable<void> end_events() = 0;

  // Called once, on the executor, when the client closes while the handler still works. Set before
  // the first await; cleared when the handler returns.
  virtual void on_disconnect(std::function<void()> callback) = 0;
};

// The coroutine's frame owns what it needs; the exchange outlives it.
using Handler = std::function<asio::awaitable<void>(Exchange&)>;

}  // namespace sovereign::server
