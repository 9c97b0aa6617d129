// Method and path to handler. In a pattern "{}" matches one path segment, and "{*}" at its end the rest
// of the path, slashes included (model names such as "org/name" hold one).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/exchange.h"

namespace sovereign::server {

// Who may call a route.
enum class Access {
  open,   // health and metrics: no key needed
  key,    // a key, when keys are configured
  admin,  // an admin key; nobody, when none are configured
};

// Built before the server starts, immutable afterwards, so lookups are thread-safe.
class Router {
 public:
  void add(std::string method, std::string pattern, Access access, Handler handler);

  struct Match {
    const Handler* handler = nullptr;  // null: not found, or method not allowed
    Access access = Access::key;
    std::vector<std::string> path_parameters;
    std::string allowed_methods;  // for 405's Allow header; empty: 404
  };
  // The path is as the client sent it, still percent-encoded: "/v1/models/org%2Fname" has three
  // segments, and its last parameter is "org/name". HEAD is answered by GET's route.
  Match match(std::string_view method, std::string_view path) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Access access;
    Handler handler;
    std::string direct;  // the path that is this route's and no earlier one's; empty: its segments decide
  };
  std::vector<Route> routes_;
};

}  // namespace sovereign::server
