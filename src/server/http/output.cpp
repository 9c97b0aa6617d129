#include "server/http/output.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace sovereign::server {

namespace {
// A buffer that grew past this is given back when it is empty.
constexpr std::size_t kKeptCapacityBytes = 64 * 1024;

void empty(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptCapacityBytes) buffer.shrink_to_fit();
}
}  // namespace

Output::Output(Stream& stream, std::chrono::milliseconds write_timeout, std::uint64_t min_read_rate)
    : stream_(stream),
      write_timeout_(write_timeout),
      min_read_rate_(min_read_rate),
      timeout_(stream.executor()),
      progress_(stream.executor()) {}

void Output::send(std::shared_ptr<void> owner) {
  if (broken_ || write_pending_) return;
  // TLS keeps state between writes that a refused one would tear, so only plain bytes go the short way.
  if (!stream_.encrypted() && write_at_once()) return;
  if (!broken_ && take_next()) write_later(std::move(owner));
}

// Makes writing_ hold unwritten bytes; false when there are none.
bool Output::take_next() {
  if (written_ < writing_.size()) return true;
  empty(writing_);
  written_ = 0;
  std::swap(writing_, waiting_);
  return !writing_.empty();
}

// True when nothing is left to write, or nobody to write to.
bool Output::write_at_once() {
  while (take_next()) {
    boost::system::error_code error;
    written_ += stream_.socket().write_some(
        asio::buffer(writing_.data() + written_, writing_.size() - written_), error);
    if (error == asio::error::would_block) return false;
    if (error) {
      fail(false);
      return true;
    }
  }
  return true;
}

void Output::write_later(std::shared_ptr<void> owner) {
  write_pending_ = true;
  last_progress_ = std::chrono::steady_clock::now();
  if (!timeout_armed_) arm_timeout(owner);
  const asio::const_buffer rest(writing_.data() + written_, writing_.size() - written_);
  stream_.async_write_some(
      rest, [this, owner = std::move(owner)](boost::system::error_code error, std::size_t size) mutable {
        write_pending_ = false;
        written_ += size;
        if (error) {
          fail(false);
          return;
        }
        send(std::move(owner));
        progress_.cancel();
      });
}

// One timer looks now and then whether a write has been pending too long; starting and stopping one
// for every write would cost more than the write.
void Output::arm_timeout(std::shared_ptr<void> owner) {
  timeout_armed_ = true;
  timeout_.expires_at(last_progress_ + write_timeout_);
  std::weak_ptr<void> weak = owner;
  timeout_.async_wait([this, weak = std::move(weak)](boost::system::error_code) {
    auto alive = weak.lock();
    if (!alive) return;
    timeout_armed_ = false;
    if (broken_ || !write_pending_) return;
    if (std::chrono::steady_clock::now() >= last_progress_ + write_timeout_) {
      fail(true);
    } else {
      arm_timeout(std::move(alive));
    }
  });
}

void Output::fail(bool too_slow) {
  if (broken_) return;
  broken_ = true;
  too_slow_ = too_slow;
  empty(waiting_);
  stream_.close();
  timeout_.cancel();
  progress_.cancel();
  if (auto callback = std::exchange(on_break_, nullptr)) callback();
}

asio::awaitable<bool> Output::flush_all() {
  constexpr std::uint64_t kMsPerSecond = 1000;
  const std::chrono::milliseconds reading(unsent() * kMsPerSecond / min_read_rate_);
  return flush(0, write_timeout_ + reading);
}

asio::awaitable<bool> Output::flush(std::size_t bytes, std::chrono::milliseconds total) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + total;
  while (!broken_ && unsent() > bytes) {
    if (Clock::now() >= deadline) {
      fail(true);
      break;
    }
    progress_.expires_at(deadline);
    co_await progress_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return !broken_;
}

}  // namespace sovereign::server
