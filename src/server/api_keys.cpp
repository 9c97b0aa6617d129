#include "server/api_keys.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "base/sha256.h"

namespace sovereign::server {

namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::string_view kScheme = "bearer ";
constexpr std::size_t kDigestDigits = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

}  // namespace

result<ApiKeys> ApiKeys::create(const std::vector<std::string>& hashes, const std::string& setting) {
  ApiKeys keys;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    std::string text = hashes[i];
    std::transform(text.begin(), text.end(), text.begin(), lower);
    const bool prefixed = text.starts_with(kPrefix);
    const std::string digest = prefixed ? text.substr(kPrefix.size()) : std::string();
    if (digest.size() != kDigestDigits || !std::all_of(digest.begin(), digest.end(), is_hex_digit)) {
      return fail(
          ErrorCode::invalid_argument,
          "Entry " + std::to_string(i + 1) + " of " + setting +
              " is not 'sha256:' and 64 hex digits; make one with: " + "printf %s \"$KEY\" | sha256sum",
          setting);
    }
    keys.digests_.push_back(digest);
  }
  return keys;
}

std::optional<std::string> ApiKeys::accept(std::string_view authorization) const {
  if (authorization.size() <= kScheme.size()) return std::nullopt;
  const bool bearer = std::equal(kScheme.begin(), kScheme.end(), authorization.begin(),
                                 [](char want, char c) { return want == lower(c); });
  if (!bearer) return std::nullopt;
  std::string_view key = authorization.substr(kScheme.size());
  key.remove_prefix(std::min(key.find_first_not_of(' '), key.size()));
  std::string digest = sha256_hex(key);
  bool accepted = false;
  for (const auto& known : digests_) {
    const bool equal = constant_time_equal(known, digest);
    accepted = accepted || equal;
  }
  if (!accepted) return std::nullopt;
  return digest;
}

result<std::shared_ptr<const AccessKeys::Keys>> AccessKeys::read(const ServerConfig& config) {
  auto api = ApiKeys::create(config.api_key_hashes);
  if (!api) return fail(api.error());
  auto admin = ApiKeys::create(config.admin_key_hashes, "server.admin_key_hashes");
  if (!admin) return fail(admin.error());
  return std::make_shared<const Keys>(Keys{std::move(*api), std::move(*admin)});
}

result<void> check_bind(const ServerConfig& config) {
  if (is_loopback(config.host) || !config.api_key_hashes.empty() || config.insecure) return {};
  return fail(ErrorCode::permission_denied,
              "Serving on " + config.host +
                  " without API keys would let anybody on the network use this model. Set "
                  "server.api_key_hashes, or bind to 127.0.0.1, or pass --insecure.",
              "server.host");
}

}  // namespace sovereign::server
