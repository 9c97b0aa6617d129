// An Exchange without sockets: what a handler answers can be looked at.
//
//   MemoryExchange exchange({.method = "POST", .path = "/v1/completions", .body = "{}"});
//   exchange.run(handler);
//   EXPECT_EQ(exchange.response()->status, 400u);
//
// One thread: the handler runs inside run(). Other threads may only post to executor().
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "server/exchange.h"

namespace sovereign::server {

class MemoryExchange final : public Exchange {
 public:
  explicit MemoryExchange(HttpRequest request) : request_(std::move(request)) {
    if (request_.request_id.empty()) request_.request_id = "test";
  }

  // Runs the handler to its end; rethrows what it throws. Throws when it has not returned in time.
  void run(const Handler& handler, std::chrono::seconds limit = std::chrono::seconds(60)) {
    bool done = false;
    std::exception_ptr thrown;
    asio::co_spawn(io_, handler(*this), [&](std::exception_ptr e) {
      thrown = e;
      done = true;
    });
    io_.restart();
    io_.run_for(limit);
    disconnected_ = nullptr;
    if (thrown) std::rethrow_exception(thrown);
    if (!done) throw std::runtime_error("the handler did not return");
  }

  // The client goes away now. Any thread.
  void disconnect() {
    asio::post(io_, [this] { drop(); });
  }
  // The client goes away when `count` events have reached it.
  void disconnect_after(std::size_t count) { events_until_gone_ = count; }

  // What came out. Empty when the handler streamed.
  const std::optional<HttpResponse>& response() const { return response_; }
  // Payloads of the stream, in order, and how many send_events() calls carried them.
  const std::vector<std::string>& events() const { return events_; }
  std::size_t writes() const { return writes_; }
  const std::vector<std::pair<std::string, std::string>>& stream_headers() const { return stream_headers_; }
  bool stream_begun() const { return begun_; }
  bool stream_ended() const { return ended_; }

  const HttpRequest& request() const override { return request_; }
  asio::any_io_executor executor() const override { return io_.get_executor(); }

  asio::awaitable<void> respond(HttpResponse response) override {
    if (response_ || begun_) throw std::logic_error("answered twice");
    response_ = std::move(response);
    std::string_view lines = response_->header_lines;
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find("\r\n"));
      const std::size_t colon = line.find(": ");
      response_->headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
      lines.remove_prefix(line.size() + 2);
    }
    co_return;
  }

  asio::awaitable<bool> begin_events(
      std::vector<std::pair<std::string, std::string>> extra_headers) override {
    if (response_ || begun_) throw std::logic_error("answered twice");
    begun_ = true;
    stream_headers_ = std::move(extra_headers);
    co_return !gone_;
  }

  asio::awaitable<bool> send_events(std::vector<std::string> payloads) override {
    if (!begun_ || ended_) throw std::logic_error("events outside of a stream");
    if (gone_) co_return false;
    ++writes_;
    for (auto& payload : payloads) {
      if (events_.size() == events_until_gone_) {
        drop();
        co_return false;
      }
      events_.push_back(std::move(payload));
    }
    co_return true;
  }

  asio::awaitable<void> end_events() override {
    if (!begun_ || ended_) throw std::logic_error("the stream ended twice, or before it began");
    ended_ = true;
    co_return;
  }

  void on_disconnect(std::function<void()> callback) override { disconnected_ = std::move(callback); }

 private:
  void drop() {
    if (std::exchange(gone_, true)) return;
    if (auto callback = std::exchange(disconnected_, nullptr)) callback();
  }

  // As a server's loops, it outlives whoever posts to it: an engine may still be within its call.
  static asio::io_context& new_loop() {
    static std::deque<asio::io_context> loops;
    return loops.emplace_back(1);
  }

  asio::io_context& io_ = new_loop();
  HttpRequest request_;
  std::optional<HttpResponse> response_;
  std::vector<std::pair<std::string, std::string>> stream_headers_;
  std::vector<std::string> events_;
  std::size_t events_until_gone_ = std::numeric_limits<std::size_t>::max();
  std::size_t writes_ = 0;
  bool begun_ = false;
  bool ended_ = false;
  bool gone_ = false;
  std::function<void()> disconnected_;
};

}  // namespace sovereign::server
