// What an OpenAI-compatible server says, for scripted servers.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "net/scripted_server.h"

namespace sovereign::testing {

// One server-sent event as a chunk of a chunked body.
inline std::string chunk_of(std::string_view data) {
  const std::string event = fmt::format("data: {}\n\n", data);
  return fmt::format("{:x}\r\n{}\r\n", event.size(), event);
}
inline std::string stream_head() {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
}
inline std::string stream_tail() { return chunk_of("[DONE]") + "0\r\n\r\n"; }
inline std::string content_event(std::string_view text) {
  return chunk_of(
      fmt::format(R"({{"choices":[{{"index":0,"delta":{{"content":"{}"}},"finish_reason":null}}]}})", text));
}
inline std::string finish_event(std::string_view reason = "stop") {
  return chunk_of(fmt::format(R"({{"choices":[{{"index":0,"delta":{{}},"finish_reason":"{}"}}]}})", reason));
}
inline std::string usage_event() {
  return chunk_of(
      R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}})");
}
inline std::string whole_stream() {
  return stream_head() + content_event("Hello") + content_event(" world") + finish_event() + usage_event() +
         stream_tail();
}
inline std::string status_answer(std::string_view status, std::string_view body,
                                 std::string_view headers = {}) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}",
                     status, body.size(), headers, body);
}

// Lists one model, and answers each chat with "Hello world".
inline void answer_well(Peer& peer) {
  for (std::string request = peer.read_request(); !request.empty(); request = peer.read_request()) {
    if (request.starts_with("GET")) {
      peer.write(ok(R"({"data":[{"id":"listed"},{"id":"other"}]})", "Content-Type: application/json\r\n"));
    } else {
      peer.write(whole_stream());
    }
  }
}

// A server with one model at a time, which answers for no other.
class ChangingModel {
 public:
  explicit ChangingModel(std::string model) : model_(std::move(model)) {}

  void change_to(std::string model) {
    const std::lock_guard lock(mutex_);
    model_ = std::move(model);
  }
  int refused() const { return refused_; }
  // This object outlives the server.
  std::function<void(Peer&)> script() {
    return [this](Peer& peer) {
      for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
        peer.write(answer_to(request));
      }
    };
  }

 private:
  std::string answer_to(const std::string& request) {
    const std::lock_guard lock(mutex_);
    if (request.starts_with("GET")) return ok(fmt::format(R"({{"data":[{{"id":"{}"}}]}})", model_));
    if (request.find(fmt::format(R"("model":"{}")", model_)) != std::string::npos) return whole_stream();
    ++refused_;
    return status_answer("404 Not Found", R"({"error":{"message":"no such model"}})");
  }

  std::mutex mutex_;
  std::string model_;  // guarded by mutex_
  std::atomic<int> refused_{0};
};

}  // namespace sovereign::testing
