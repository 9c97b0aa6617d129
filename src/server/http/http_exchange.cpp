#include "server/http/http_exchange.h"

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

namespace sovereign::server {

HttpExchange::HttpExchange(std::shared_ptr<void> owner, const HttpRequest& request, Framing framing,
                           Output& output, std::uint64_t max_unsent_bytes,
                           std::chrono::milliseconds write_timeout, asio::any_io_executor executor)
    : owner_(std::move(owner)),
      request_(request),
      framing_(std::move(framing)),
      output_(output),
      executor_(std::move(executor)),
      max_unsent_bytes_(max_unsent_bytes),
      write_timeout_(write_timeout) {}

asio::awaitable<void> HttpExchange::respond(HttpResponse response) {
  if (progress_ != Progress::nothing) {
    spdlog::error("request {}: a second answer was left out", request_.request_id);
    co_return;
  }
  progress_ = Progress::answered;
  status_ = response.status;
  append_response(output_.buffer(), framing_, response);
  output_.send(owner_);
  co_await output_.flush_all();
}

asio::awaitable<bool> HttpExchange::begin_events(Headers extra_headers) {
  if (progress_ != Progress::nothing) {
    spdlog::error("request {}: a stream after an answer was left out", request_.request_id);
    co_return false;
  }
  progress_ = Progress::streaming;
  status_ = 200;
  if (framing_.http10) framing_.keep_alive = false;
  append_stream_head(output_.buffer(), framing_, extra_headers);
  output_.send(owner_);
  co_return !gone_ && !output_.broken();
}

asio::awaitable<bool> HttpExchange::send_events(std::vector<std::string> payloads) {
  // HEAD has no body: there is nobody to stream to.
  if (gone_ || output_.broken() || progress_ != Progress::streaming || framing_.head_only) co_return false;
  append_events(output_.buffer(), framing_, payloads);
  output_.send(owner_);
  if (output_.unsent() > max_unsent_bytes_) co_await output_.flush(max_unsent_bytes_, write_timeout_);
  co_return !gone_ && !output_.broken();
}

asio::awaitable<void> HttpExchange::end_events() {
  if (progress_ != Progress::streaming) co_return;
  progress_ = Progress::streamed;
  append_stream_end(output_.buffer(), framing_);
  output_.send(owner_);
  co_await output_.flush_all();
}

void HttpExchange::on_disconnect(std::function<void()> callback) {
  on_disconnect_ = std::move(callback);
  if (!gone_) return;
  // The handler is still setting itself up: not in its own call stack.
  asio::post(executor_, [this, alive = alive_, owner = owner_] {
    if (!*alive) return;
    if (auto late = std::exchange(on_disconnect_, nullptr)) late();
  });
}

void HttpExchange::client_left() {
  if (std::exchange(gone_, true)) return;
  if (auto callback = std::exchange(on_disconnect_, nullptr)) callback();
}

}  // namespace sovereign::server
