#include "cache/redis_url.h"

#include <charconv>
#include <optional>

namespace sovereign::cache {
namespace {

tl::unexpected<Error> bad_url(const char* what) {
  return fail(ErrorCode::invalid_argument,
              std::string("The URL of the Redis server ") + what +
                  "; it is redis://[[user]:password@]host[:port][/database].",
              "cache.redis_url");
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Percent-decoding: passwords hold '@' and '/'.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

result<RedisAddress> parse_redis_url(std::string_view url) {
  constexpr std::string_view kScheme = "redis://";
  if (url.starts_with("rediss://")) {
    return fail(ErrorCode::unsupported,
                "Redis over TLS (rediss://) is not supported; put a TLS tunnel in between.",
                "cache.redis_url");
  }
  if (!url.starts_with(kScheme)) return bad_url("does not begin with redis://");
  url.remove_prefix(kScheme.size());
  RedisAddress address;
  if (const auto slash = url.find('/'); slash != std::string_view::npos) {
    const auto database = url.substr(slash + 1);
    if (!database.empty() && !read_number(database, address.database))
      return bad_url("has no number as database");
    url = url.substr(0, slash);
  }
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    const auto credentials = url.substr(0, at);
    const auto colon = credentials.find(':');
    if (colon == std::string_view::npos) return bad_url("has a user without a password");
    const auto user = decoded(credentials.substr(0, colon));
    const auto password = decoded(credentials.substr(colon + 1));
    if (!user || !password) return bad_url("has a broken percent-encoding");
    address.user = *user;
    address.password = *password;
    url.remove_prefix(at + 1);
  }
  // The host of an IPv6 address stands in brackets.
  const bool bracketed = url.starts_with('[');
  const auto host_end = bracketed ? url.find(']') : url.find(':');
  if (bracketed && host_end == std::string_view::npos) return bad_url("has a bracket that is not closed");
  address.host = bracketed ? url.substr(1, host_end - 1) : url.substr(0, host_end);
  auto rest =
      host_end == std::string_view::npos ? std::string_view{} : url.substr(host_end + (bracketed ? 1 : 0));
  if (!rest.empty() &&
      (rest.front() != ':' || !read_number(rest.substr(1), address.port) || address.port == 0)) {
    return bad_url("has no number as port");
  }
  if (address.host.empty()) return bad_url("has no host");
  return address;
}

}  // namespace sovereign::cache
