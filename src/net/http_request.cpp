#include "net/http_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sovereign::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           kSymbols.find(c) != std::string_view::npos;
  });
}

// RFC 9110, 5.5: a line end inside a value would let it forge further headers.
bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  });
}

}  // namespace

bool equal_names(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view find_header(const Headers& headers, std::string_view name) {
  for (const auto& [header, value] : headers) {
    if (equal_names(header, name)) return value;
  }
  return {};
}

ClientRequest json_post(std::string url, std::string body, std::string_view api_key) {
  ClientRequest request;
  request.method = "POST";
  request.url = std::move(url);
  request.body = std::move(body);
  request.headers = {{"Content-Type", "application/json"}};
  if (!api_key.empty()) request.headers.emplace_back("Authorization", fmt::format("Bearer {}", api_key));
  return request;
}

bool is_idempotent(const ClientRequest& request) {
  constexpr std::array<std::string_view, 6> kIdempotent = {"GET",    "HEAD",    "PUT",
                                                           "DELETE", "OPTIONS", "TRACE"};
  return request.idempotent.value_or(std::find(kIdempotent.begin(), kIdempotent.end(), request.method) !=
                                     kIdempotent.end());
}

result<std::string> render_head(const ClientRequest& request, const Url& url, std::string_view user_agent) {
  constexpr std::array<std::string_view, 5> kOurs = {"Host", "Content-Length", "Connection",
                                                     "Transfer-Encoding", "Upgrade"};
  if (!is_token(request.method) || request.method == "CONNECT") {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a usable HTTP method", request.method),
                "method");
  }
  std::string head =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, url.target, url.authority());
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_field_value(value)) {
      return fail(ErrorCode::invalid_argument, "an HTTP header's name or value holds a forbidden character",
                  name);
    }
    const bool ours = std::any_of(kOurs.begin(), kOurs.end(),
                                  [&, n = std::string_view(name)](auto our) { return equal_names(our, n); });
    if (ours) {
      return fail(ErrorCode::invalid_argument, fmt::format("the header {} is the client's own", name), name);
    }
    head += fmt::format("{}: {}\r\n", name, value);
  }
  if (find_header(request.headers, "User-Agent").empty() && !user_agent.empty()) {
    head += fmt::format("User-Agent: {}\r\n", user_agent);
  }
  const bool body_expected = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!request.body.empty() || body_expected)
    head += fmt::format("Content-Length: {}\r\n", request.body.size());
  head += "\r\n";
  return head;
}

}  // namespace sovereign::net
