#include "net/url.h"

#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace sovereign::net {

std::string Url::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  return port == (tls ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

std::string Url::origin() const { return fmt::format("{}://{}:{}", tls ? "https" : "http", host, port); }

result<Url> parse_url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a usable URL: {}", text, why), "url");
  };
  if (!parsed) return refuse("give it as http://host:port/path");
  const boost::urls::url_view& view = *parsed;
  Url url;
  if (view.scheme_id() == boost::urls::scheme::https) {
    url.tls = true;
  } else if (view.scheme_id() != boost::urls::scheme::http) {
    return refuse("only http and https are spoken");
  }
  if (view.has_userinfo()) return refuse("send credentials in a header, not in the URL");
  url.host = view.host_address();
  if (url.host.empty()) return refuse("it has no host");
  url.port = url.tls ? 443 : 80;
  if (view.has_port() && !view.port().empty()) {
    url.port = view.port_number();
    if (url.port == 0) return refuse("its port is not between 1 and 65535");
  }
  url.target = std::string(view.encoded_target());
  if (url.target.empty() || url.target.front() != '/') url.target = fmt::format("/{}", url.target);
  return url;
}

}  // namespace sovereign::net
