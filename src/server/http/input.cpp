#include "server/http/input.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace sovereign::server {

Input::Input(Stream& stream, std::size_t read_ahead_bytes)
    : stream_(stream), read_ahead_bytes_(read_ahead_bytes), arrival_(stream.executor()) {}

void Input::consume(std::size_t count) {
  offset_ += count;
  if (offset_ < bytes_.size()) return;
  bytes_.clear();
  offset_ = 0;
  // A large body must not be held for the rest of a long connection.
  if (bytes_.capacity() > 4 * landing_.size()) bytes_.shrink_to_fit();
}

void Input::start(std::shared_ptr<void> owner) {
  if (reading_ || ended_) return;
  reading_ = true;
  stream_.async_read_some(
      asio::buffer(landing_),
      [this, owner = std::move(owner)](boost::system::error_code error, std::size_t size) mutable {
        received(std::move(owner), static_cast<bool>(error), size);
      });
}

void Input::received(std::shared_ptr<void> owner, bool failed, std::size_t size) {
  reading_ = false;
  if (offset_ > 0) bytes_.erase(0, std::exchange(offset_, 0));
  bytes_.append(landing_.data(), size);
  ended_ = failed;
  arrival_.cancel();
  if (!on_end_) return;
  if (ended_) {
    std::exchange(on_end_, nullptr)();
  } else if (bytes_.size() < read_ahead_bytes_) {
    start(std::move(owner));
  }
}

asio::awaitable<Input::Event> Input::more(std::shared_ptr<void> owner, Deadline deadline) {
  const std::size_t before = unread().size();
  while (true) {
    if (unread().size() > before) co_return Event::bytes;
    if (ended_) co_return Event::end;
    if (std::chrono::steady_clock::now() >= deadline) co_return Event::timeout;
    start(owner);
    arrival_.expires_at(deadline);
    co_await arrival_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void Input::watch(std::shared_ptr<void> owner, std::function<void()> on_end) {
  if (ended_) {
    on_end();
    return;
  }
  on_end_ = std::move(on_end);
  if (unread().size() < read_ahead_bytes_) start(std::move(owner));
}

}  // namespace sovereign::server
