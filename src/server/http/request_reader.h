// Bytes to one HTTP/1.x request at a time (RFC 9112), with bounds. No sockets: bytes are pushed in.
//
// Beast's parser does the grammar and is hidden in the source file. It is fed only when a header is
// complete: fed piece by piece it takes fields off one by one, and its header limit never adds up.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/exchange.h"

namespace sovereign::server {

class RequestReader {
 public:
  struct Limits {
    std::uint64_t max_body_bytes = 0;
    std::uint32_t max_header_bytes = 0;
  };
  enum class State {
    header,  // more bytes of the header are needed
    body,    // the header is complete; request() is valid, its body still empty
    done,    // all of it is there
    failed,  // failure() says what to answer; the connection cannot go on
  };
  struct Failure {
    unsigned status = 400;
    std::string message;
    std::string code;
  };

  explicit RequestReader(Limits limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // Starts over for the next request.
  void reset();

  // Takes bytes off the front of `input` and returns how many. Stops after the header, so that the
  // caller can refuse the request before it accepts a body.
  std::size_t feed(std::string_view input);

  State state() const { return state_; }
  const Failure& failure() const { return failure_; }
  HttpRequest& request() { return request_; }
  const HttpRequest& request() const { return request_; }
  // The path as sent, for the router; the whole target as sent, for the log.
  const std::string& raw_path() const { return raw_path_; }
  const std::string& raw_target() const { return raw_target_; }
  bool keep_alive() const { return keep_alive_; }
  bool http10() const { return http10_; }
  bool expects_continue() const { return expects_continue_; }

 private:
  struct Parser;

  std::size_t feed_header(std::string_view input);
  std::size_t feed_body(std::string_view input);
  void take_header();
  void take_body();
  void fail(unsigned status, std::string message, std::string code);

  Limits limits_;
  std::unique_ptr<Parser> parser_;
  State state_ = State::header;
  Failure failure_;
  HttpRequest request_;
  std::string raw_path_;
  std::string raw_target_;
  std::size_t scanned_ = 0;  // bytes of the input known not to end the header
  bool keep_alive_ = false;
  bool http10_ = false;
  bool expects_continue_ = false;
};

}  // namespace sovereign::server
