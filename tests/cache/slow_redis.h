// A server that speaks as much of Redis' protocol as the level needs, and is slow in ways a real one cannot
// be made to be on demand.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cache/redis_url.h"

namespace sovereign::cache {

class SlowRedis {
 public:
  enum class Manner {
    drips,   // a GET's answer comes a byte every few milliseconds, and has no end
    delays,  // a GET is answered (nothing there) after `delay`
  };

  explicit SlowRedis(Manner manner, std::chrono::milliseconds delay = std::chrono::milliseconds(5))
      : manner_(manner), delay_(delay), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 64);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~SlowRedis() { hang_up(); }
  SlowRedis(const SlowRedis&) = delete;
  SlowRedis& operator=(const SlowRedis&) = delete;

  RedisAddress address() const { return {"127.0.0.1", port_, "", "", 0}; }
  // Ends all connections, and takes no more.
  void hang_up() {
    if (stop_.exchange(true)) return;
    shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    close(listener_);
    for (const int each : sockets_) shutdown(each, SHUT_RDWR);
    for (std::thread& each : connections_) each.join();
    for (const int each : sockets_) close(each);
  }
  // GETs that arrived.
  std::uint64_t gets() const { return gets_; }

 private:
  void accept_all() {
    while (!stop_) {
      const int one = accept(listener_, nullptr, nullptr);
      if (one < 0) return;
      sockets_.push_back(one);
      connections_.emplace_back([this, one] { serve(one); });
    }
  }

  // Commands are small and come whole often enough; what is left of one waits for the rest.
  void serve(int to) {
    std::string input;
    char bytes[65'536];
    for (ssize_t size = 0; (size = recv(to, bytes, sizeof bytes, 0)) > 0;) {
      input.append(bytes, static_cast<std::size_t>(size));
      std::size_t at = 0;
      while (const std::size_t taken = take_command(std::string_view(input).substr(at), to)) at += taken;
      input.erase(0, at);
    }
  }

  // "*<words>\r\n" and of each word "$<size>\r\n<bytes>\r\n". Gives the bytes of a whole command, or 0.
  std::size_t take_command(std::string_view text, int to) {
    std::vector<std::string_view> words;
    std::size_t at = text.find("\r\n");
    if (at == std::string_view::npos) return 0;
    const auto count = std::strtoul(text.data() + 1, nullptr, 10);
    at += 2;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t end = text.find("\r\n", at);
      if (end == std::string_view::npos) return 0;
      const auto size = std::strtoul(text.data() + at + 1, nullptr, 10);
      if (text.size() < end + 2 + size + 2) return 0;
      words.push_back(text.substr(end + 2, size));
      at = end + 2 + size + 2;
    }
    answer(words, to);
    return at;
  }

  void answer(const std::vector<std::string_view>& words, int to) {
    if (words.empty() || words[0] != "GET") return say(to, "+OK\r\n");
    ++gets_;
    if (manner_ == Manner::delays) {
      std::this_thread::sleep_for(delay_);
      return say(to, "$-1\r\n");
    }
    say(to, "$100000000\r\n");
    while (!stop_ && send(to, "x", 1, MSG_NOSIGNAL) == 1) std::this_thread::sleep_for(delay_);
  }
  static void say(int to, std::string_view text) { (void)!send(to, text.data(), text.size(), MSG_NOSIGNAL); }

  const Manner manner_;
  const std::chrono::milliseconds delay_;
  const int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> gets_{0};
  std::thread accepting_;
  std::vector<int> sockets_;              // of the accepting thread, then of the end
  std::vector<std::thread> connections_;  // likewise
};

}  // namespace sovereign::cache
