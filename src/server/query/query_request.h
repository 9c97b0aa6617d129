// The body of POST /v1/query, read and checked. docs/query.md describes it to users.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime/query.h"
#include "server/openai/generation_options.h"
#include "server/openai/routing_fields.h"

namespace sovereign::server {

// Bounds beside those of any request.
inline constexpr std::size_t kMaxContextItems = 1024;
inline constexpr std::uint32_t kMaxDepth = 16;

struct QueryRequest {
  std::string model;  // empty: the one that is served
  bool stream = false;
  std::optional<std::chrono::milliseconds> timeout;  // the client's own
  bool receipt = false;                              // a receipt is asked for
  openai::RoutingFields routing;
  runtime::SovereignQuery query;
};

// Pure. Unlike a chat, a query is greedy unless it says otherwise: it asks for the answer, not for an
// answer. Errors: invalid_argument with the parameter's path.
result<QueryRequest> parse_query_request(std::string_view body, const openai::RequestLimits& limits);

}  // namespace sovereign::server
