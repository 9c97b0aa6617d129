#include "server/router.h"

#include <algorithm>
#include <utility>

namespace sovereign::server {

namespace {

constexpr std::string_view kAnySegment = "{}";

// "/v1/models" -> {"v1", "models"}; a trailing slash gives a last, empty segment.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string_view>& segments) {
  return std::equal(pattern.begin(), pattern.end(), segments.begin(), segments.end(),
                    [](const std::string& want, std::string_view segment) {
                      return want == kAnySegment ? !segment.empty() : want == segment;
                    });
}

void add_method(std::string& list, std::string_view method) {
  if (!list.empty()) list += ", ";
  list += method;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Access access, Handler handler) {
  const auto segments = split(pattern);
  routes_.push_back({std::move(method), {segments.begin(), segments.end()}, access, std::move(handler)});
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  if (method == "HEAD") method = "GET";
  const auto segments = split(path);
  Match match;
  for (const Route& route : routes_) {
    if (!fits(route.segments, segments)) continue;
    if (route.method != method) {
      if (match.allowed_methods.empty()) match.access = route.access;
      add_method(match.allowed_methods, route.method);
      if (route.method == "GET") add_method(match.allowed_methods, "HEAD");
      continue;
    }
    match.handler = &route.handler;
    match.access = route.access;
    match.allowed_methods.clear();
    for (std::size_t i = 0; i < segments.size(); ++i) {
      if (route.segments[i] == kAnySegment) match.path_parameters.emplace_back(segments[i]);
    }
    return match;
  }
  return match;
}

}  // namespace sovereign::server
