// Where an HTTP request goes: the parts of an absolute http:// or https:// URL (RFC 3986).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sovereign::net {

struct Url {
  bool tls = false;
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 80;
  std::string target;  // path and query as they go on the request line; at least "/"

  // For the Host header: brackets around IPv6, the port only when it is not the scheme's own.
  std::string authority() const;
  // Connections to equal origins may be shared.
  std::string origin() const;
};

// Errors: invalid_argument (not a URL, another scheme, no host, user and password inside).
result<Url> parse_url(std::string_view text);

}  // namespace sovereign::net
