// An answer to bytes: the head, a body, and server-sent events (WHATWG HTML 9.2) in chunks.
//
// Pure: appends to a string. Header values that would break the framing are left out, so that nothing
// a client sent can be echoed into a second header or a second response.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/exchange.h"

namespace sovereign::server {

using Headers = std::vector<std::pair<std::string, std::string>>;

// How an answer to one request must be framed.
struct Framing {
  bool http10 = false;     // no chunks: the end of the connection ends the stream
  bool head_only = false;  // HEAD: a head without a body
  bool keep_alive = true;
  std::string request_id;
  Headers extra_headers;  // CORS
};

// Head and body of a whole answer.
void append_response(std::string& out, const Framing& framing, const HttpResponse& response);

// Head of an event stream.
void append_stream_head(std::string& out, const Framing& framing, const Headers& headers);

// "data: <payload>\n\n" for each payload, all in one chunk. A payload's own line breaks become several
// data lines, which the receiver joins again.
void append_events(std::string& out, const Framing& framing, const std::vector<std::string>& payloads);

// What ends the stream: the last chunk; nothing in HTTP/1.0.
void append_stream_end(std::string& out, const Framing& framing);

}  // namespace sovereign::server
