// The Exchange over a connection's output.
//
// Lives in the connection's frame while a handler works. Not thread-safe: connection's executor.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/exchange.h"
#include "server/http/output.h"
#include "server/http/response_writer.h"

namespace sovereign::server {

class HttpExchange final : public Exchange {
 public:
  enum class Progress { nothing, answered, streaming, streamed };

  // `owner` is the connection, which holds the rest. `max_unsent_bytes`: see ServerConfig.
  HttpExchange(std::shared_ptr<void> owner, const HttpRequest& request, Framing framing, Output& output,
               std::uint64_t max_unsent_bytes, std::chrono::milliseconds write_timeout,
               asio::any_io_executor executor);
  ~HttpExchange() override { *alive_ = false; }

  const HttpRequest& request() const override { return request_; }
  asio::any_io_executor executor() const override { return executor_; }
  asio::awaitable<void> respond(HttpResponse response) override;
  asio::awaitable<bool> begin_events(Headers extra_headers) override;
  asio::awaitable<bool> send_events(std::vector<std::string> payloads) override;
  asio::awaitable<void> end_events() override;
  void on_disconnect(std::function<void()> callback) override;

  // The client closed, or was dropped.
  void client_left();

  bool gone() const { return gone_; }
  Progress progress() const { return progress_; }
  unsigned status() const { return status_; }
  bool keep_alive() const { return framing_.keep_alive; }

 private:
  std::shared_ptr<void> owner_;
  const HttpRequest& request_;
  Framing framing_;
  Output& output_;
  asio::any_io_executor executor_;
  std::uint64_t max_unsent_bytes_;
  std::chrono::milliseconds write_timeout_;
  Progress progress_ = Progress::nothing;
  unsigned status_ = 0;
  std::function<void()> on_disconnect_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted to later
  bool gone_ = false;
};

}  // namespace sovereign::server
