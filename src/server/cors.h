// Cross-origin requests from web pages (WHATWG Fetch 3.2).
//
// Immutable after construction, so thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/exchange.h"

namespace sovereign::server {

class Cors {
 public:
  // Origins such as "https://app.example", or "*"; none turns CORS off.
  explicit Cors(std::vector<std::string> origins = {});

  // Headers for every answer to a request, errors and streams included; none where CORS is off or the
  // request has no Origin. A foreign origin gets only Vary, and its browser keeps the answer away.
  std::vector<std::pair<std::string, std::string>> headers(const HttpRequest& request) const;

  static bool is_preflight(const HttpRequest& request);

  // Answer to a preflight, without headers(). `methods` is what the path allows, e.g. "GET, HEAD".
  HttpResponse preflight(const HttpRequest& request, std::string_view methods) const;

 private:
  bool allows(std::string_view origin) const;

  std::vector<std::string> origins_;
  bool any_ = false;
};

}  // namespace sovereign::server
