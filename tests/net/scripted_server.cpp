#include "net/scripted_server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace sovereign::testing {

using asio::ip::tcp;
using boost::system::error_code;

Peer::Peer(tcp::socket& socket, asio::ssl::context* tls, int index, std::mutex& mutex)
    : socket_(socket), index_(index), mutex_(mutex) {
  if (tls == nullptr) return;
  tls_ = std::make_unique<asio::ssl::stream<tcp::socket&>>(socket, *tls);
  error_code ec;
  tls_->handshake(asio::ssl::stream_base::server, ec);
}

std::size_t Peer::read_some(char* data, std::size_t size) {
  error_code ec;
  return tls_ ? tls_->read_some(asio::buffer(data, size), ec)
              : socket_.read_some(asio::buffer(data, size), ec);
}

std::string Peer::read_head() {
  std::array<char, 4096> chunk;
  std::size_t end = 0;
  while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
    const std::size_t bytes = read_some(chunk.data(), chunk.size());
    if (bytes == 0) return {};
    pending_.append(chunk.data(), bytes);
  }
  std::string head = pending_.substr(0, end + 4);
  pending_.erase(0, end + 4);
  return head;
}

std::string Peer::read_request() {
  std::string request = read_head();
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t at = request.find(kLength);
  if (at == std::string::npos) return request;
  const std::size_t length = std::stoul(request.substr(at + kLength.size()));
  std::array<char, 4096> chunk;
  while (pending_.size() < length) {
    const std::size_t bytes = read_some(chunk.data(), chunk.size());
    if (bytes == 0) return {};
    pending_.append(chunk.data(), bytes);
  }
  request += pending_.substr(0, length);
  pending_.erase(0, length);
  return request;
}

bool Peer::write(std::string_view bytes) {
  error_code ec;
  if (tls_) {
    asio::write(*tls_, asio::buffer(bytes), ec);
  } else {
    asio::write(socket_, asio::buffer(bytes), ec);
  }
  return !ec;
}

void Peer::wait_for_close() {
  std::array<char, 4096> chunk;
  while (read_some(chunk.data(), chunk.size()) > 0) {
  }
}

void Peer::reset() {
  const std::lock_guard lock(mutex_);
  error_code ec;
  socket_.set_option(asio::socket_base::linger(true, 0), ec);
  socket_.close(ec);
}

ScriptedServer::ScriptedServer(std::function<void(Peer&)> script, asio::ssl::context* tls)
    : script_(std::move(script)),
      tls_(tls),
      acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()),
      acceptor_thread_([this] { serve(); }) {}

ScriptedServer::~ScriptedServer() {
  closing_ = true;
  ::shutdown(acceptor_.native_handle(), SHUT_RDWR);  // wakes accept(); close() alone would not
  acceptor_thread_.join();
  {
    const std::lock_guard lock(mutex_);
    for (auto& socket : sockets_) {
      if (socket->is_open()) ::shutdown(socket->native_handle(), SHUT_RDWR);
    }
  }
  for (auto& thread : threads_) thread.join();
}

void ScriptedServer::serve() {
  while (!closing_) {
    auto socket = std::make_shared<tcp::socket>(context_);
    error_code ec;
    acceptor_.accept(*socket, ec);
    if (ec || closing_) return;
    const int index = accepted_++;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket, index] {
      Peer peer(*socket, tls_, index, mutex_);
      script_(peer);
      const std::lock_guard close_lock(mutex_);
      error_code ignored;
      socket->shutdown(tcp::socket::shutdown_both, ignored);
      socket->close(ignored);
    });
  }
}

std::string ScriptedServer::url(std::string_view target) const {
  return fmt::format("{}://127.0.0.1:{}{}", tls_ != nullptr ? "https" : "http", port_, target);
}

std::string ok(std::string_view body, std::string_view more_headers) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), more_headers, body);
}

}  // namespace sovereign::testing
