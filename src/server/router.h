// Method and path to handler. "{}" in a pattern matches one path segment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/exchange.h"

namespace sovereign::server {

// Who may call a route.
enum class Access {
  open,  // health and metrics: no key needed
  key,   // a key, when keys are configured
};

// Built before the server starts, immutable afterwards, so lookups are thread-safe.
class Router {
 public:
  void add(std::string method, std::string pattern, Access access, Handler handler);

  struct Match {
    const Handler* handler = nullptr;  // null: not found, or method not allowed
    Access access = Access::key;
    std::vector<std::string> path_parameters;
    std::string allowed_methods;       // for 405's Allow header; empty: 404
  };
  Match match(std::string_view method, std::string_view path) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Access access;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace sovereign::server
