#include "config/key_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cache/redis_url.h"
#include "crypto/signing_key.h"
#include "engine/prompt_template.h"
#include "gateway/tier.h"
#include "pci/envelope.h"

namespace sovereign::config {
namespace {

bool is_hash(std::string_view entry) {
  constexpr std::string_view kPrefix = "sha256:";
  if (!entry.starts_with(kPrefix)) return false;
  entry.remove_prefix(kPrefix.size());
  return entry.size() == 64 && entry.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_origin(std::string_view entry) {
  if (entry == "*") return true;
  const std::size_t scheme = entry.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return false;
  const std::string_view host = entry.substr(scheme + 3);
  return !host.empty() && host.find_first_of("/?# ") == std::string_view::npos;
}

}  // namespace

result<void> check_key_hashes(const Value& list) {
  const auto& entries = std::get<std::vector<std::string>>(list);
  const auto bad = std::find_if_not(entries.begin(), entries.end(), is_hash);
  if (bad == entries.end()) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("entry {} is not \"sha256:\" with 64 lower-case hexadecimal digits; "
                          "'sovereign key hash' makes it from a key",
                          bad - entries.begin() + 1));
}

result<void> check_origins(const Value& list) {
  for (const std::string& entry : std::get<std::vector<std::string>>(list)) {
    if (is_origin(entry)) continue;
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is not an origin such as \"https://example.org\", nor \"*\"", entry));
  }
  return {};
}

result<void> check_senders(const Value& list) {
  for (const std::string& entry : std::get<std::vector<std::string>>(list)) {
    const std::size_t equals = entry.find('=');
    const std::string_view name = std::string_view(entry).substr(0, equals);
    const bool named = equals != std::string::npos && !name.empty() && name.size() <= pci::kMostSenderBytes &&
                       name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos;
    if (named && crypto::public_key_from_text(entry.substr(equals + 1))) continue;
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is not a sender: up to {} of a-z 0-9 . _ -, then '=' and a public key as "
                            "'sovereign keys export' prints it",
                            entry, pci::kMostSenderBytes));
  }
  return {};
}

result<void> check_redis_url(const Value& text) {
  const auto& url = std::get<std::string>(text);
  if (url.empty()) return {};
  const auto address = cache::parse_redis_url(url);
  return address ? result<void>() : fail(address.error());
}

std::optional<omega::Dimension> dimension_from(std::string_view name) {
  for (std::size_t d = 0; d < omega::kDimensions; ++d) {
    const auto dimension = static_cast<omega::Dimension>(d);
    if (to_string(dimension) == name) return dimension;
  }
  return std::nullopt;
}

std::optional<std::pair<omega::Dimension, double>> parse_dimension_minimum(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const auto dimension = dimension_from(text.substr(0, equals));
  const std::string_view digits = text.substr(equals + 1);
  double minimum = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), minimum);
  const bool number = error == std::errc{} && end == digits.data() + digits.size();
  if (!dimension || !number || !(minimum >= 0 && minimum <= 1)) return std::nullopt;
  return std::pair(*dimension, minimum);
}

result<void> check_dimension_minimums(const Value& list) {
  for (const std::string& entry : std::get<std::vector<std::string>>(list)) {
    if (parse_dimension_minimum(entry)) continue;
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("'{}' is not a dimension with a number from 0 to 1, as \"truthfulness=0.5\"", entry));
  }
  return {};
}

result<void> check_tiers(const Value& list) {
  for (const std::string& entry : std::get<std::vector<std::string>>(list)) {
    if (gateway::tier_of(entry)) continue;
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not one of edge, local, pool", entry));
  }
  return {};
}

result<void> check_dimensions(const Value& list) {
  for (const std::string& entry : std::get<std::vector<std::string>>(list)) {
    if (dimension_from(entry)) continue;
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a dimension of quality", entry));
  }
  return {};
}

result<void> check_http_url(const Value& text) {
  const std::string_view url = std::get<std::string>(text);
  if (url.empty()) return {};
  const std::size_t scheme = url.find("://");
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  if (!known || url.size() == scheme + 3) {
    return fail(ErrorCode::invalid_argument, "is not an address such as \"http://127.0.0.1:8000/v1\"");
  }
  // Not repeated: what stands before the @ may be a password.
  if (url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3).find('@') == std::string_view::npos)
    return {};
  return fail(ErrorCode::invalid_argument, "must hold no credentials: use api_key_env or api_key_file");
}

result<void> check_prompt_template(const Value& text) {
  const auto& name = std::get<std::string>(text);
  if (name.empty()) return {};
  if (const auto found = engine::PromptTemplate::find(name); !found) return fail(found.error());
  return {};
}

result<void> check_not_empty(const Value& text) {
  if (!std::get<std::string>(text).empty()) return {};
  return fail(ErrorCode::invalid_argument, "must not be empty");
}

}  // namespace sovereign::config
