#include "server/router.h"

#include <optional>
#include <utility>

#include "server/http/target.h"

namespace sovereign::server {

namespace {

constexpr std::string_view kAnySegment = "{}";
constexpr std::string_view kAnyRest = "{*}";

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

// Decoded segments of a path; a malformed one stays as it is and matches no literal.
std::vector<std::string> decode(const std::vector<std::string_view>& segments) {
  std::vector<std::string> decoded;
  for (const auto segment : segments) {
    decoded.push_back(percent_decode(segment).value_or(std::string(segment)));
  }
  return decoded;
}

std::string join(const std::vector<std::string>& segments, std::size_t from) {
  std::string rest = segments[from];
  for (std::size_t i = from + 1; i < segments.size(); ++i) rest += "/" + segments[i];
  return rest;
}

// The parameters when the path fits the pattern, nothing when it does not.
std::optional<std::vector<std::string>> fit(const std::vector<std::string>& pattern,
                                            const std::vector<std::string>& segments) {
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (i == segments.size()) return std::nullopt;
    if (pattern[i] == kAnyRest) {
      parameters.push_back(join(segments, i));
      if (parameters.back().empty()) return std::nullopt;
      return parameters;
    }
    if (pattern[i] == kAnySegment ? segments[i].empty() : pattern[i] != segments[i]) return std::nullopt;
    if (pattern[i] == kAnySegment) parameters.push_back(segments[i]);
  }
  if (pattern.size() != segments.size()) return std::nullopt;
  return parameters;
}

void add_method(std::string& list, std::string_view method) {
  if (!list.empty()) list += ", ";
  list += method;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Access access, Handler handler) {
  const auto segments = split(pattern);
  const bool literal = pattern.find_first_of("{%") == std::string::npos;
  const bool first = match(method, pattern).handler == nullptr;
  routes_.push_back({method,
                     {segments.begin(), segments.end()},
                     access,
                     std::move(handler),
                     literal && first ? pattern : std::string()});
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  if (method == "HEAD") method = "GET";
  for (const Route& route : routes_) {
    if (!path.empty() && route.direct == path && route.method == method)
      return {&route.handler, route.access, {}, {}};
  }
  const auto segments = decode(split(path));
  Match match;
  for (const Route& route : routes_) {
    auto parameters = fit(route.segments, segments);
    if (!parameters) continue;
    if (route.method != method) {
      if (match.allowed_methods.empty()) match.access = route.access;
      add_method(match.allowed_methods, route.method);
      if (route.method == "GET") add_method(match.allowed_methods, "HEAD");
      continue;
    }
    match.handler = &route.handler;
    match.access = route.access;
    match.allowed_methods.clear();
    match.path_parameters = std::move(*parameters);
    return match;
  }
  return match;
}

}  // namespace sovereign::server
