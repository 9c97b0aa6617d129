// A client that sends any bytes it is told to and reads answers, over a blocking loopback socket.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sovereign::server {

struct RawAnswer {
  unsigned status = 0;  // 0: the connection ended first
  std::string head;     // status line and headers
  std::string body;     // without the chunks' framing
  bool complete = false;

  // Value of the first header of that name (exact case); empty when absent.
  std::string header(const std::string& name) const {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

class RawClient {
 public:
  static constexpr int kPatienceMs = 60'000;

  // `receive_buffer_bytes`: 0 for the system's choice.
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer_bytes > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // The sockets API takes every kind of address through this cast.
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(fd_);
      throw std::runtime_error("cannot connect");
    }
  }
  ~RawClient() { close(); }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), unread_(std::move(other.unread_)) {}
  RawClient& operator=(RawClient&&) = delete;

  // False when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void shutdown_send() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  // True when something has come, or comes within that time.
  bool readable(int within_ms) {
    pollfd poll_set{fd_, POLLIN, 0};
    return !unread_.empty() || ::poll(&poll_set, 1, within_ms) > 0;
  }

  // One answer. `no_body`: to a HEAD request.
  RawAnswer read(bool no_body = false) {
    RawAnswer answer;
    if (!read_until("\r\n\r\n", answer.head)) return answer;
    answer.status = static_cast<unsigned>(std::strtoul(answer.head.substr(9, 3).c_str(), nullptr, 10));
    answer.complete = true;
    if (no_body || answer.status == 204 || answer.status == 100) return answer;
    const std::string length = answer.header("Content-Length");
    if (!length.empty()) {
      answer.complete = read_exactly(std::strtoul(length.c_str(), nullptr, 10), answer.body);
    } else if (answer.header("Transfer-Encoding") == "chunked") {
      answer.complete = read_chunks(answer.body);
    } else {
      answer.body = read_to_end();
    }
    return answer;
  }

  // Everything up to and with `mark`; false when the connection ends first.
  bool read_until(std::string_view mark, std::string& out) {
    std::size_t at;
    while ((at = unread_.find(mark)) == std::string::npos) {
      if (!receive()) return false;
    }
    out += unread_.substr(0, at + mark.size());
    unread_.erase(0, at + mark.size());
    return true;
  }

  // At most so many bytes, thrown away; 0: the connection ended.
  std::size_t read_some(std::size_t most) {
    std::string bytes(most, '\0');
    const auto size = ::recv(fd_, bytes.data(), bytes.size(), 0);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }

  std::string read_to_end() {
    while (receive()) {
    }
    return std::exchange(unread_, {});
  }

 private:
  bool receive() {
    pollfd poll_set{fd_, POLLIN, 0};
    if (::poll(&poll_set, 1, kPatienceMs) <= 0) throw std::runtime_error("the server does not answer");
    char bytes[65536];
    const auto size = ::recv(fd_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    unread_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  bool read_exactly(std::size_t size, std::string& out) {
    while (unread_.size() < size) {
      if (!receive()) return false;
    }
    out += unread_.substr(0, size);
    unread_.erase(0, size);
    return true;
  }

  bool read_chunks(std::string& out) {
    while (true) {
      std::string line;
      if (!read_until("\r\n", line)) return false;
      const std::size_t size = std::strtoul(line.c_str(), nullptr, 16);
      std::string chunk;
      if (!read_exactly(size + 2, chunk)) return false;
      if (size == 0) return true;
      out += chunk.substr(0, size);
    }
  }

  int fd_ = -1;
  std::string unread_;
};

}  // namespace sovereign::server
