#include "server/http/response_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sovereign::server {

namespace {

constexpr std::string_view kEventField = "data: ";

std::string_view reason(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

void append_number(std::string& out, std::uint64_t value, int base) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), end);
}

bool is_token(std::string_view name) {
  constexpr std::string_view kPunctuation = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kPunctuation.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
  });
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_field_value(value)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_head(std::string& out, const Framing& framing, unsigned status, std::string_view content_type,
                 const Headers& headers) {
  out += "HTTP/1.1 ";
  append_number(out, status, 10);
  out.append(" ").append(reason(status)).append("\r\nServer: sovereign\r\n");
  append_header(out, "X-Request-Id", framing.request_id);
  if (!content_type.empty()) append_header(out, "Content-Type", content_type);
  for (const auto& [name, value] : framing.extra_headers) append_header(out, name, value);
  for (const auto& [name, value] : headers) append_header(out, name, value);
  if (!framing.keep_alive) {
    out += "Connection: close\r\n";
  } else if (framing.http10) {
    out += "Connection: keep-alive\r\n";
  }
}

// Size of one event as append_event() writes it, when the payload has no line breaks.
std::size_t event_size(std::string_view payload) { return kEventField.size() + payload.size() + 2; }

void append_event(std::string& out, std::string_view payload) {
  while (true) {
    const std::size_t line_end = payload.find_first_of("\r\n");
    out.append(kEventField).append(payload.substr(0, line_end)).append("\n");
    if (line_end == std::string_view::npos) break;
    const bool crlf = payload.substr(line_end, 2) == "\r\n";
    payload.remove_prefix(line_end + (crlf ? 2 : 1));
  }
  out += "\n";
}

}  // namespace

void append_response(std::string& out, const Framing& framing, const HttpResponse& response) {
  const bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  out.reserve(out.size() + 512 + response.body.size());
  append_head(out, framing, response.status, bodiless ? std::string_view{} : response.content_type,
              response.headers);
  out += response.header_lines;
  if (!bodiless) {
    out += "Content-Length: ";
    append_number(out, response.body.size(), 10);
    out += "\r\n";
  }
  out += "\r\n";
  if (!bodiless && !framing.head_only) out += response.body;
}

void append_stream_head(std::string& out, const Framing& framing, const Headers& headers) {
  append_head(out, framing, 200, "text/event-stream; charset=utf-8", headers);
  // Proxies (nginx) would otherwise collect a stream before they pass it on.
  out += "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n";
  if (!framing.http10) out += "Transfer-Encoding: chunked\r\n";
  out += "\r\n";
}

void append_events(std::string& out, const Framing& framing, const std::vector<std::string>& payloads) {
  if (framing.head_only || payloads.empty()) return;
  if (framing.http10) {
    for (const auto& payload : payloads) append_event(out, payload);
    return;
  }
  std::size_t size = 0;
  bool broken_lines = false;
  for (const auto& payload : payloads) {
    size += event_size(payload);
    broken_lines = broken_lines || payload.find_first_of("\r\n") != std::string::npos;
  }
  if (broken_lines) {
    std::string events;
    for (const auto& payload : payloads) append_event(events, payload);
    append_number(out, events.size(), 16);
    out.append("\r\n").append(events).append("\r\n");
    return;
  }
  append_number(out, size, 16);
  out += "\r\n";
  for (const auto& payload : payloads) out.append(kEventField).append(payload).append("\n\n");
  out += "\r\n";
}

void append_stream_end(std::string& out, const Framing& framing) {
  if (!framing.head_only && !framing.http10) out += "0\r\n\r\n";
}

}  // namespace sovereign::server
