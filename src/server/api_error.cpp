#include "server/api_error.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace sovereign::server {

namespace {

// Length of the well-formed UTF-8 sequence at the start of `text` (Unicode 15, table 3-7); 0: none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : lead >= 0xE0 && lead <= 0xEF ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  return length;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    out += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

boost::json::value text_or_null(std::string_view text) {
  if (text.empty()) return nullptr;
  return boost::json::value(valid_utf8(text));
}

}  // namespace

unsigned http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported: return 400;
    case ErrorCode::unauthenticated: return 401;
    case ErrorCode::permission_denied: return 403;
    case ErrorCode::not_found: return 404;
    case ErrorCode::already_exists: return 409;
    case ErrorCode::resource_exhausted: return 429;
    case ErrorCode::cancelled: return 499;
    case ErrorCode::unavailable: return 503;
    case ErrorCode::deadline_exceeded: return 504;
    case ErrorCode::corrupt:
    case ErrorCode::internal: return 500;
  }
  return 500;
}

std::string_view error_type(unsigned status) {
  if (status >= 500) return "server_error";
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 422: return "answer_refused_error";
    case 429: return "rate_limit_error";
    default: return "invalid_request_error";
  }
}

std::string error_body(std::string_view message, std::string_view type, std::string_view param,
                       std::string_view code) {
  const boost::json::value body = {{"error",
                                    {{"message", valid_utf8(message)},
                                     {"type", valid_utf8(type)},
                                     {"param", text_or_null(param)},
                                     {"code", text_or_null(code)}}}};
  return boost::json::serialize(body);
}

HttpResponse error_response(const Error& error, std::optional<std::chrono::seconds> retry_after) {
  HttpResponse response;
  response.status = http_status(error.code);
  response.body = error_body(error.message, error_type(response.status), error.where, to_string(error.code));
  if (retry_after) response.headers.emplace_back("Retry-After", std::to_string(retry_after->count()));
  return response;
}

HttpResponse error_response(unsigned status, std::string_view message, std::string_view code) {
  HttpResponse response;
  response.status = status;
  response.body = error_body(message, error_type(status), {}, code);
  return response;
}

}  // namespace sovereign::server
