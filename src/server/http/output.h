// What is on its way to a client.
//
// Callers append to buffer() and call send(). What the kernel takes at once is gone at once, without a
// timer or a suspension; the rest is written as the client reads, and everything appended meanwhile
// goes out in one write. Not thread-safe: lives on the connection's executor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "server/http/stream.h"

namespace sovereign::server {

class Output {
 public:
  // A client that takes nothing for `write_timeout` is dropped: the stream is closed, broken() is true,
  // and on_break is called once. So is one that takes the rest of an answer at fewer than `min_read_rate`
  // bytes a second, after a first write_timeout.
  Output(Stream& stream, std::chrono::milliseconds write_timeout, std::uint64_t min_read_rate);

  std::string& buffer() { return waiting_; }
  std::size_t unsent() const { return writing_.size() - written_ + waiting_.size(); }
  bool broken() const { return broken_; }
  // True when the break was ours: the client read too slowly.
  bool too_slow() const { return too_slow_; }
  void on_break(std::function<void()> callback) { on_break_ = std::move(callback); }

  // Begins to write what is in the buffer. `owner` keeps this object alive meanwhile.
  void send(std::shared_ptr<void> owner);

  // Waits until at most `bytes` are unsent. False when the output broke; breaks it itself after `total`
  // although the client takes a little now and then.
  asio::awaitable<bool> flush(std::size_t bytes, std::chrono::milliseconds total);
  // All that is there, in the time that its size allows.
  asio::awaitable<bool> flush_all();

 private:
  bool take_next();
  bool write_at_once();
  void write_later(std::shared_ptr<void> owner);
  void arm_timeout(std::shared_ptr<void> owner);
  void fail(bool too_slow);

  Stream& stream_;
  std::chrono::milliseconds write_timeout_;
  std::uint64_t min_read_rate_;
  std::string waiting_;      // appended to
  std::string writing_;      // being written: must not move
  std::size_t written_ = 0;  // of writing_
  asio::steady_timer timeout_;
  asio::steady_timer progress_;  // cancelled when something was written, or broke
  std::chrono::steady_clock::time_point last_progress_;
  std::function<void()> on_break_;
  bool write_pending_ = false;
  bool timeout_armed_ = false;
  bool broken_ = false;
  bool too_slow_ = false;
};

}  // namespace sovereign::server
