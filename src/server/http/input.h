// What a client has sent and nobody has read yet.
//
// A read, once begun, stays begun until bytes, an end or an error come, past the request it was begun
// for: that is how a disconnect is noticed while a handler works, and cancelling a TLS read would lose
// bytes. Not thread-safe: lives on the connection's executor.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/http/stream.h"

namespace sovereign::server {

class Input {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  enum class Event { bytes, end, timeout };

  // Reads ahead at most `read_ahead_bytes` while nobody asks for more.
  Input(Stream& stream, std::size_t read_ahead_bytes);

  std::string_view unread() const { return std::string_view(bytes_).substr(offset_); }
  void consume(std::size_t count);
  bool ended() const { return ended_; }

  // Waits for bytes that were not there at the call. `owner` keeps this object alive meanwhile.
  asio::awaitable<Event> more(std::shared_ptr<void> owner, Deadline deadline);

  // Until unwatch(): calls back once when the client closes, at once if it has.
  void watch(std::shared_ptr<void> owner, std::function<void()> on_end);
  void unwatch() { on_end_ = nullptr; }

 private:
  void start(std::shared_ptr<void> owner);
  void received(std::shared_ptr<void> owner, bool failed, std::size_t size);

  Stream& stream_;
  std::size_t read_ahead_bytes_;
  std::string bytes_;
  std::size_t offset_ = 0;  // bytes_ before it are consumed
  std::array<char, 16 * 1024> landing_;
  asio::steady_timer arrival_;  // cancelled when a read is over; expires at the waiter's deadline
  std::function<void()> on_end_;
  bool reading_ = false;
  bool ended_ = false;
};

}  // namespace sovereign::server
