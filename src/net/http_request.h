// The request side of the HTTP client, without sockets: checking and rendering (RFC 9110, RFC 9112).
//
// Private to net/; pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_client.h"
#include "net/url.h"

namespace sovereign::net {

bool equal_names(std::string_view a, std::string_view b);  // ASCII case ignored
bool is_idempotent(const ClientRequest& request);

// Request line and headers, up to and with the empty line. Errors: invalid_argument (a method or header
// that is not one, or a header that the client sets itself).
result<std::string> render_head(const ClientRequest& request, const Url& url, std::string_view user_agent);

}  // namespace sovereign::net
