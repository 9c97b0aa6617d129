#include "server/cors.h"

#include <algorithm>

namespace sovereign::server {

namespace {
// How long a browser may remember a preflight.
constexpr std::string_view kMaxAgeSeconds = "600";
}  // namespace

Cors::Cors(std::vector<std::string> origins) : origins_(std::move(origins)) {
  any_ = std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
}

bool Cors::allows(std::string_view origin) const {
  return any_ || std::find(origins_.begin(), origins_.end(), origin) != origins_.end();
}

std::vector<std::pair<std::string, std::string>> Cors::headers(const HttpRequest& request) const {
  const std::string_view origin = request.header("Origin");
  if (origins_.empty()) return {};
  std::vector<std::pair<std::string, std::string>> headers;
  if (!any_) headers.emplace_back("Vary", "Origin");
  if (origin.empty() || !allows(origin)) return headers;
  headers.emplace_back("Access-Control-Allow-Origin", any_ ? "*" : std::string(origin));
  headers.emplace_back("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
  return headers;
}

bool Cors::is_preflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && !request.header("Origin").empty() &&
         !request.header("Access-Control-Request-Method").empty();
}

HttpResponse Cors::preflight(const HttpRequest& request, std::string_view methods) const {
  HttpResponse response;
  response.status = 204;
  if (!allows(request.header("Origin"))) return response;
  response.headers.emplace_back("Access-Control-Allow-Methods", methods);
  // Client libraries send headers of their own, so what is asked for is allowed; names only, and a key
  // is still needed.
  const std::string_view wanted = request.header("Access-Control-Request-Headers");
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                wanted.empty() ? "Authorization, Content-Type" : wanted);
  response.headers.emplace_back("Access-Control-Max-Age", kMaxAgeSeconds);
  return response;
}

}  // namespace sovereign::server
