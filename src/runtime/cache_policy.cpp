#include "runtime/cache_policy.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace sovereign::runtime {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool same_word(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == static_cast<unsigned char>(y);
  });
}

// Ten years: more seconds would not fit once they are milliseconds, and mean the same.
constexpr std::int64_t kMaxAgeSeconds = 10LL * 366 * 24 * 3600;

void read_max_age(std::string_view value, CachePolicy& policy) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  const bool too_large = error == std::errc::result_out_of_range;
  if (!too_large && (error != std::errc() || end != value.data() + value.size() || seconds < 0)) return;
  policy.age_limit = std::chrono::seconds(too_large ? kMaxAgeSeconds : std::min(seconds, kMaxAgeSeconds));
}

}  // namespace

CachePlan plan_cache(const SovereignQuery& query, const gateway::BackendIdentity& identity) {
  const CachePolicy& policy = query.cache;
  if (policy.mode == CacheMode::off || !identity.settled) return {};
  if (policy.mode != CacheMode::force && !query.reproducible()) return {};
  CachePlan plan;
  plan.lookup = policy.mode != CacheMode::refresh && !policy.no_lookup;
  plan.store = !policy.no_store;
  // Who does not want a kept answer does not want somebody else's either; and an answer that must not be
  // kept must not be handed to others. An answer that is being made for somebody else may come from
  // anywhere.
  plan.join = plan.lookup && plan.store && !query.require_local;
  return plan;
}

void apply_cache_control(std::string_view header, CachePolicy& policy) {
  while (!header.empty()) {
    const auto comma = std::min(header.find(','), header.size());
    const auto directive = trimmed(header.substr(0, comma));
    header.remove_prefix(std::min(comma + 1, header.size()));
    const auto equals = std::min(directive.find('='), directive.size());
    const auto name = trimmed(directive.substr(0, equals));
    if (same_word(name, "no-cache")) policy.no_lookup = true;
    if (same_word(name, "no-store")) policy.no_store = true;
    if (same_word(name, "max-age") && equals < directive.size()) {
      read_max_age(trimmed(directive.substr(equals + 1)), policy);
    }
  }
}

}  // namespace sovereign::runtime
