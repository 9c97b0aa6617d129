// A server on a free port of 127.0.0.1 that plays a script, byte by byte, on each connection; for tests.
//
// The script runs on the connection's own thread with blocking calls. Destruction closes every socket and
// joins every thread, so a script that waits for bytes ends.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sovereign::testing {

namespace asio = boost::asio;

// One accepted connection, as a script sees it.
class Peer {
 public:
  // `mutex` guards the socket's opening and closing.
  Peer(asio::ip::tcp::socket& socket, asio::ssl::context* tls, int index, std::mutex& mutex);

  int index() const { return index_; }  // 0 for the first connection that was accepted
  // Head and Content-Length body of one request; empty when the client has gone.
  std::string read_request();
  // The headers only.
  std::string read_head();
  // False when the client has gone.
  bool write(std::string_view bytes);
  // Blocks until the client closes.
  void wait_for_close();
  // Ends with RST instead of FIN.
  void reset();

 private:
  std::size_t read_some(char* data, std::size_t size);

  asio::ip::tcp::socket& socket_;
  std::unique_ptr<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
  std::string pending_;
  int index_;
  std::mutex& mutex_;
};

class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<void(Peer&)> script, asio::ssl::context* tls = nullptr);
  ~ScriptedServer();

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view target) const;
  int accepted() const { return accepted_; }

 private:
  void serve();

  std::function<void(Peer&)> script_;
  asio::ssl::context* tls_;
  asio::io_context context_;
  asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::atomic<int> accepted_{0};
  std::atomic<bool> closing_{false};
  std::mutex mutex_;
  std::vector<std::shared_ptr<asio::ip::tcp::socket>> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_thread_;
};

// "HTTP/1.1 200 OK" with that body and Content-Length.
std::string ok(std::string_view body, std::string_view more_headers = {});

}  // namespace sovereign::testing
