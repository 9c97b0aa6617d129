// The fastest chat server there is: it answers every request with the same few words, at once.
//
// It speaks as much of the OpenAI API as a gateway needs to take it for a backend: GET /v1/models, and POST
// of anything else, answered as server-sent events when the body asks for a stream, else as one object. It
// reads no JSON. One thread of this process; what it costs is in every path that is measured before it alike.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>
#include <thread>

namespace sovereign::bench {

class StubBackend {
 public:
  // What clients call its model, and the text of its answers.
  static constexpr const char* kModel = "stub";
  static constexpr const char* kAnswer = "The stub answers.";

  // Listens on a free port of 127.0.0.1.
  StubBackend();
  ~StubBackend();
  StubBackend(const StubBackend&) = delete;
  StubBackend& operator=(const StubBackend&) = delete;

  std::uint16_t port() const { return port_; }
  std::string base_url() const;

 private:
  void accept();

  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::thread thread_;
};

}  // namespace sovereign::bench
