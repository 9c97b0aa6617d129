#include "net/sse_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sovereign::net {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

result<bool> SseParser::feed(std::string_view bytes, const SseCallback& on_event) {
  while (!bytes.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    // find_first_of() would look at one byte at a time.
    std::size_t end = bytes.find('\n');
    end = std::min(end, bytes.substr(0, end).find('\r'));
    line_.append(bytes.substr(0, end));
    if (line_.size() + data_.size() > max_event_bytes_) {
      return fail(ErrorCode::resource_exhausted,
                  fmt::format("a server-sent event is larger than {} bytes", max_event_bytes_));
    }
    if (end == std::string_view::npos) return true;

    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (first_line_) {
      first_line_ = false;
      if (std::string_view(line_).substr(0, kByteOrderMark.size()) == kByteOrderMark) {
        line_.erase(0, kByteOrderMark.size());
      }
    }
    if (line_.empty()) {
      if (!dispatch(on_event)) return false;
    } else {
      take_line();
      line_.clear();
    }
  }
  return true;
}

void SseParser::take_line() {
  const std::string_view line = line_;
  const std::size_t colon = line.find(':');
  if (colon == 0) return;  // a comment
  if (colon == std::string_view::npos) return take_field(line, {});
  std::string_view value = line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  take_field(line.substr(0, colon), value);
}

void SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    data_.append(value).push_back('\n');
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) pending_id_ = value;
  } else if (name == "retry") {
    std::int64_t milliseconds = 0;
    const char* const end = value.data() + value.size();
    const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
    if (digits && std::from_chars(value.data(), end, milliseconds).ec == std::errc()) {
      retry_ = std::chrono::milliseconds(milliseconds);
    }
  }
}

bool SseParser::dispatch(const SseCallback& on_event) {
  last_event_id_ = pending_id_;
  if (data_.empty()) {
    type_.clear();
    return true;
  }
  data_.pop_back();
  SseEvent event{type_.empty() ? "message" : std::move(type_), std::move(data_), last_event_id_};
  type_.clear();
  data_.clear();
  return on_event(event);
}

}  // namespace sovereign::net
