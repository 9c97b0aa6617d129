// Errors in OpenAI's shape: {"error":{"message":…,"type":…,"param":…,"code":…}}.
//
// Status per ErrorCode. Official clients retry 408, 409, 429 and every 5xx, so a status above 499 is
// only for what a retry may cure.
//   invalid_argument, unsupported  400   (llama-server says 501 for the latter; clients would retry it)
//   unauthenticated                401
//   permission_denied              403
//   not_found                      404
//   already_exists                 409
//   resource_exhausted             429   with Retry-After when the caller knows one
//   cancelled                      499   nobody reads it; it is for the log
//   internal, corrupt              500
//   unavailable                    503
//   deadline_exceeded              504   408 is kept for a client that sends its request too slowly
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/exchange.h"

namespace sovereign::server {

unsigned http_status(ErrorCode code);

// OpenAI's `type` for a status: invalid_request_error, authentication_error, permission_error,
// not_found_error, answer_refused_error, rate_limit_error or server_error.
std::string_view error_type(unsigned status);

// JSON of one error. An empty `param` or `code` becomes null; bytes that are not UTF-8 become U+FFFD.
std::string error_body(std::string_view message, std::string_view type, std::string_view param = {},
                       std::string_view code = {});

// `param` is Error::where and `code` the ErrorCode's name, e.g. "resource_exhausted".
HttpResponse error_response(const Error& error, std::optional<std::chrono::seconds> retry_after = {});

// For failures that only HTTP knows (405, 413, …).
HttpResponse error_response(unsigned status, std::string_view message, std::string_view code = {});

}  // namespace sovereign::server
