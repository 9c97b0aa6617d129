#include "bench/suites/http_frame.h"

#include <algorithm>
#include <charconv>

namespace sovereign::bench {
namespace {

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), same);
}

// Of the first header with that name; empty when there is none.
std::string_view header(std::string_view head, std::string_view lower_name) {
  for (auto line_end = head.find("\r\n"); line_end != std::string_view::npos;) {
    const auto begin = line_end + 2;
    line_end = head.find("\r\n", begin);
    auto line = head.substr(begin, line_end == std::string_view::npos ? line_end : line_end - begin);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !equal_ignoring_case(line.substr(0, colon), lower_name)) continue;
    line.remove_prefix(colon + 1);
    return line.substr(std::min(line.find_first_not_of(' '), line.size()));
  }
  return {};
}

std::optional<std::size_t> number(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && rest != text.data() ? std::optional(value) : std::nullopt;
}

std::optional<std::size_t> end_of_chunks(std::string_view bytes, std::size_t at) {
  while (true) {
    const auto line_end = bytes.find("\r\n", at);
    if (line_end == std::string_view::npos) return std::nullopt;
    const auto size = number(bytes.substr(at, line_end - at), 16);
    if (!size) return std::nullopt;
    if (*size > bytes.size()) return std::nullopt;
    at = line_end + 2 + *size + 2;
    if (at > bytes.size()) return std::nullopt;
    if (*size == 0) return at;
  }
}

}  // namespace

std::optional<std::size_t> http_message_length(std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const auto head = bytes.substr(0, end);
  const auto body = end + 4;
  if (equal_ignoring_case(header(head, "transfer-encoding"), "chunked")) return end_of_chunks(bytes, body);
  const auto length = header(head, "content-length");
  const auto size = length.empty() ? 0 : number(length, 10).value_or(0);
  if (size > bytes.size() - body) return std::nullopt;
  return body + size;
}

}  // namespace sovereign::bench
