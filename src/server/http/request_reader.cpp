#include "server/http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "server/http/target.h"

namespace sovereign::server {

namespace http = boost::beast::http;

struct RequestReader::Parser {
  std::optional<http::request_parser<http::string_body>> beast;
};

namespace {

// RFC 9112 2.2: a client may send an empty line after a body. More than a few are an attack.
constexpr std::size_t kEmptyLineBytesMax = 8;

bool is_method_character(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-'; }

// A line feed that no carriage return precedes: never part of a header that the parser would accept.
bool has_bare_line_feed(std::string_view input, std::size_t from) {
  for (auto at = input.find('\n', from); at != std::string_view::npos; at = input.find('\n', at + 1)) {
    if (at == 0 || input[at - 1] != '\r') return true;
  }
  return false;
}

}  // namespace

RequestReader::RequestReader(Limits limits) : limits_(limits), parser_(std::make_unique<Parser>()) {
  reset();
}

RequestReader::~RequestReader() = default;

void RequestReader::reset() {
  auto& beast = parser_->beast.emplace();
  beast.header_limit(limits_.max_header_bytes);
  beast.body_limit(limits_.max_body_bytes);
  state_ = State::header;
  request_ = {};
  scanned_ = 0;
  keep_alive_ = http10_ = expects_continue_ = false;
}

void RequestReader::fail(unsigned status, std::string message, std::string code) {
  state_ = State::failed;
  keep_alive_ = false;
  failure_ = {status, std::move(message), std::move(code)};
}

std::size_t RequestReader::feed(std::string_view input) {
  switch (state_) {
    case State::header: return feed_header(input);
    case State::body: return feed_body(input);
    case State::done:
    case State::failed: return 0;
  }
  return 0;
}

std::size_t RequestReader::feed_header(std::string_view input) {
  if (scanned_ == 0) {
    const std::size_t first = std::min(input.find_first_not_of("\r\n"), input.size());
    if (first > kEmptyLineBytesMax) fail(400, "The request is not HTTP.", "malformed_request");
    if (first > 0) return first;
    if (!input.empty() && !is_method_character(input.front())) {
      fail(400, "The request is not HTTP.", "malformed_request");
      return 0;
    }
  }
  const std::size_t from = scanned_ < 3 ? 0 : scanned_ - 3;
  const std::size_t end = input.find("\r\n\r\n", from);
  const std::string_view header = input.substr(0, end == std::string_view::npos ? end : end + 4);
  if (header.size() > limits_.max_header_bytes) {
    fail(431, "The header is larger than " + std::to_string(limits_.max_header_bytes) + " bytes.",
         "header_too_large");
    return 0;
  }
  if (has_bare_line_feed(header, from)) {
    fail(400, "The request is not HTTP: its lines must end with CR LF.", "malformed_request");
    return 0;
  }
  if (end == std::string_view::npos) {
    scanned_ = input.size();
    return 0;
  }

  boost::system::error_code error;
  auto& beast = *parser_->beast;
  beast.eager(false);
  std::size_t consumed = 0;
  while (!error && !beast.is_header_done()) {
    consumed += beast.put(boost::asio::buffer(header.substr(consumed)), error);
  }
  if (error == http::error::body_limit) {
    // The fields are known all the same, and shape the answer (CORS, request id).
    take_header();
    fail(413, "The body is larger than " + std::to_string(limits_.max_body_bytes) + " bytes.",
         "body_too_large");
  } else if (error == http::error::bad_version) {
    fail(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.", "http_version_not_supported");
  } else if (error) {
    fail(400, "The request's header is malformed: " + error.message() + ".", "malformed_request");
  }
  if (error) return 0;
  take_header();
  if (state_ != State::failed && beast.is_done()) take_body();
  return consumed;
}

void RequestReader::take_header() {
  const auto& message = parser_->beast->get();
  request_.method = std::string(message.method_string());
  raw_target_ = std::string(message.target());
  http10_ = message.version() < 11;
  keep_alive_ = parser_->beast->is_header_done() && parser_->beast->keep_alive();
  for (const auto& field : message) {
    request_.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }

  auto target = parse_target(raw_target_);
  if (!target) {
    fail(400, "The request's path is malformed.", "malformed_path");
    return;
  }
  raw_path_ = std::move(target->raw_path);
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);

  // RFC 9112 3.2: exactly one Host in HTTP/1.1. Two would let a proxy and us disagree.
  const auto hosts = message.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && !http10_)) {
    fail(400, "The request must have exactly one Host header.", "malformed_request");
    return;
  }
  // RFC 9112 6.1: a body whose length cannot be known must not be guessed (request smuggling).
  const auto codings = message.count(http::field::transfer_encoding);
  if (codings > 0 && (codings > 1 || http10_ ||
                      !boost::beast::iequals(message[http::field::transfer_encoding], "chunked"))) {
    fail(http10_ ? 400 : 501, "The only Transfer-Encoding understood here is 'chunked'.",
         "transfer_encoding_not_supported");
    return;
  }
  const std::string_view expect = request_.header("Expect");
  if (!expect.empty() && !http10_) {
    if (!boost::beast::iequals({expect.data(), expect.size()}, "100-continue")) {
      fail(417, "The only expectation understood here is '100-continue'.", "expectation_failed");
      return;
    }
    expects_continue_ = true;
  }
  state_ = State::body;
}

std::size_t RequestReader::feed_body(std::string_view input) {
  auto& beast = *parser_->beast;
  beast.eager(true);
  std::size_t consumed = 0;
  boost::system::error_code error;
  while (!error && !beast.is_done() && consumed < input.size()) {
    consumed += beast.put(boost::asio::buffer(input.substr(consumed)), error);
  }
  if (error == http::error::need_more) {
    // Only lines between chunks and trailers are left unconsumed; they are bounded like a header.
    if (input.size() - consumed > limits_.max_header_bytes) {
      fail(431, "A chunk's header or the trailer is too large.", "header_too_large");
    }
  } else if (error == http::error::body_limit || error == http::error::buffer_overflow) {
    fail(413, "The body is larger than " + std::to_string(limits_.max_body_bytes) + " bytes.",
         "body_too_large");
  } else if (error) {
    fail(400, "The request's body is malformed: " + error.message() + ".", "malformed_request");
  } else if (beast.is_done()) {
    take_body();
  }
  return consumed;
}

void RequestReader::take_body() {
  request_.body = std::move(parser_->beast->get().body());
  state_ = State::done;
}

}  // namespace sovereign::server
