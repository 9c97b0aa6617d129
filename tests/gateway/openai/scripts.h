// What an OpenAI-compatible server says, for scripted servers.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

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

}  // namespace sovereign::testing
