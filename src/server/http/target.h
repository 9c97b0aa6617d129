// The request target (RFC 9112 3.2) and percent-encoding (RFC 3986 2.1). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sovereign::server {

// "%41" to "A". Nothing when a '%' is not followed by two hex digits, or when the result would hold a
// control character (which would forge lines in logs and end strings in C libraries).
std::optional<std::string> percent_decode(std::string_view text);

struct Target {
  std::string raw_path;  // as sent, e.g. "/v1/models/org%2Fname"; "*" for OPTIONS *
  std::string path;      // decoded
  std::string query;     // raw, without '?'
};

// Origin form ("/path?query"), absolute form ("http://host/path") or "*". Nothing when malformed.
std::optional<Target> parse_target(std::string_view text);

}  // namespace sovereign::server
