#include "config/quantity.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace sovereign::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// Largest first: formatting takes the first that divides.
constexpr std::array kDurations{Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000}, Unit{"ms", 1}};
constexpr std::array kBinarySizes{Unit{"GiB", 1LL << 30}, Unit{"MiB", 1LL << 20}, Unit{"KiB", 1LL << 10}};
constexpr std::array kSizes{
    Unit{"GiB", 1LL << 30}, Unit{"MiB", 1LL << 20}, Unit{"KiB", 1LL << 10}, Unit{"GB", 1'000'000'000},
    Unit{"MB", 1'000'000},  Unit{"kB", 1'000},      Unit{"B", 1},           Unit{"", 1}};

result<std::int64_t> parse(std::string_view text, std::span<const Unit> units, std::string_view expected) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const bool is_number = rest != text.data() && text.front() != '-';
  if (is_number && error == std::errc{}) {
    const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
    for (const Unit& unit : units) {
      if (unit.name != suffix) continue;
      if (number > std::numeric_limits<std::int64_t>::max() / unit.factor) break;
      return number * unit.factor;
    }
  }
  return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not {}", text, expected));
}

}  // namespace

result<std::int64_t> parse_duration_ms(std::string_view text) {
  return parse(text, kDurations, "a duration such as \"500ms\", \"30s\", \"10m\" or \"2h\"");
}

std::string format_duration_ms(std::int64_t ms) {
  if (ms == 0) return "0s";
  for (const Unit& unit : kDurations) {
    if (ms % unit.factor == 0) return fmt::format("{}{}", ms / unit.factor, unit.name);
  }
  return fmt::format("{}ms", ms);
}

result<std::int64_t> parse_size_bytes(std::string_view text) {
  return parse(text, kSizes, "a size such as 65536, \"64KiB\", \"4MiB\" or \"1GB\"");
}

std::string format_size_bytes(std::int64_t bytes) {
  for (const Unit& unit : kBinarySizes) {
    if (bytes != 0 && bytes % unit.factor == 0) return fmt::format("{}{}", bytes / unit.factor, unit.name);
  }
  return fmt::format("{}B", bytes);
}

}  // namespace sovereign::config
