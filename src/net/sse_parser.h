// Server-sent events: bytes in, events out (WHATWG HTML, section 9.2.6 "Interpreting an event stream").
//
// Pure and incremental: any split of the same bytes gives the same events. Lines end in LF, CRLF or CR;
// a leading byte order mark is dropped; comments and unknown fields are ignored; an event that the stream
// ends in the middle of is never delivered. One difference from the standard: bytes are passed on as they
// are, invalid UTF-8 is not replaced (the payloads here are JSON, whose parser rejects it).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sovereign::net {

struct SseEvent {
  std::string type;           // "message" unless the stream named one
  std::string data;           // lines joined with LF
  std::string last_event_id;  // the latest id that the stream gave, also by earlier events
};

// Returns false to stop: the rest of the input is then dropped.
using SseCallback = std::function<bool(const SseEvent&)>;

// Not thread-safe.
class SseParser {
 public:
  static constexpr std::size_t kDefaultMaxEventBytes = 1024 * 1024;

  // An event, with the line being read, may hold at most `max_event_bytes`.
  explicit SseParser(std::size_t max_event_bytes = kDefaultMaxEventBytes)
      : max_event_bytes_(max_event_bytes) {}

  // True: go on. False: the callback asked to stop. Error: resource_exhausted, an event past the bound;
  // after an error or a stop the parser must not be fed again.
  result<bool> feed(std::string_view bytes, const SseCallback& on_event);

  // The reconnection time that the stream asked for.
  std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  void take_line();
  void take_field(std::string_view name, std::string_view value);
  bool dispatch(const SseCallback& on_event);

  std::size_t max_event_bytes_;
  std::string line_;
  std::string type_;
  std::string data_;
  std::string pending_id_;
  std::string last_event_id_;
  std::optional<std::chrono::milliseconds> retry_;
  bool first_line_ = true;
  bool after_cr_ = false;  // the last byte was CR: an LF that follows belongs to the same line end
};

}  // namespace sovereign::net
