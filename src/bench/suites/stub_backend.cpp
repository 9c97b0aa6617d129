#include "bench/suites/stub_backend.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/write.hpp>
#include <memory>
#include <string_view>

#include "bench/suites/http_frame.h"

namespace sovereign::bench {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

std::string with_length(std::string_view type, std::string_view body) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", type, body.size(),
                     body);
}

const std::string& models_answer() {
  static const std::string answer = with_length(
      "application/json", fmt::format(R"({{"object":"list","data":[{{"id":"{}","object":"model","created":1,)"
                                      R"("owned_by":"bench"}}]}})",
                                      StubBackend::kModel));
  return answer;
}

const std::string& whole_answer() {
  static const std::string answer = with_length(
      "application/json",
      fmt::format(
          R"({{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"{}","choices":[{{"index":0,)"
          R"("message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],)"
          R"("usage":{{"prompt_tokens":8,"completion_tokens":4,"total_tokens":12}}}})",
          StubBackend::kModel, StubBackend::kAnswer));
  return answer;
}

const std::string& streamed_answer() {
  static const std::string answer = [] {
    const auto event = [](std::string_view rest) {
      return fmt::format(
          "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"{}\","
          "{}}}\n\n",
          StubBackend::kModel, rest);
    };
    std::string events =
        event(fmt::format(R"("choices":[{{"index":0,"delta":{{"role":"assistant","content":"{}"}},)"
                          R"("finish_reason":null}}])",
                          StubBackend::kAnswer));
    events += event(R"("choices":[{"index":0,"delta":{},"finish_reason":"stop"}])");
    events += event(R"("choices":[],"usage":{"prompt_tokens":8,"completion_tokens":4,"total_tokens":12})");
    events += "data: [DONE]\n\n";
    return fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        "{:x}\r\n{}\r\n0\r\n\r\n",
        events.size(), events);
  }();
  return answer;
}

bool wants_stream(std::string_view body) {
  const auto at = body.find("\"stream\"");
  if (at == std::string_view::npos) return false;
  const auto value = body.find_first_not_of(": ", at + 8);
  return value != std::string_view::npos && body.substr(value).starts_with("true");
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
  }

  void read() {
    socket_.async_read_some(asio::buffer(piece_),
                            [self = shared_from_this()](const auto& error, std::size_t n) {
                              if (error) return;
                              self->pending_.append(self->piece_.data(), n);
                              self->answer();
                            });
  }

 private:
  void answer() {
    const auto length = http_message_length(pending_);
    if (!length) return read();
    const std::string_view message(pending_.data(), *length);
    const std::string& reply = message.starts_with("GET ") ? models_answer()
                               : wants_stream(message)     ? streamed_answer()
                                                           : whole_answer();
    pending_.erase(0, *length);
    asio::async_write(socket_, asio::buffer(reply),
                      [self = shared_from_this()](const auto& error, std::size_t) {
                        if (!error) self->answer();
                      });
  }

  tcp::socket socket_;
  std::array<char, 16 * 1024> piece_{};
  std::string pending_;
};

}  // namespace

StubBackend::StubBackend()
    : acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()) {
  accept();
  thread_ = std::thread([this] { context_.run(); });
}

StubBackend::~StubBackend() {
  context_.stop();
  thread_.join();
}

std::string StubBackend::base_url() const { return fmt::format("http://127.0.0.1:{}", port_); }

void StubBackend::accept() {
  acceptor_.async_accept([this](const auto& error, tcp::socket socket) {
    if (error) return;
    std::make_shared<Session>(std::move(socket))->read();
    accept();
  });
}

}  // namespace sovereign::bench
