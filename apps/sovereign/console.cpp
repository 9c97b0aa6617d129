#include "console.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "command.h"

namespace sovereign {

int print_failure(const Error& error) {
  fmt::print(stderr, "sovereign: {}\n", error.message);
  return error.code == ErrorCode::cancelled ? kExitInterrupted : kExitFailure;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace sovereign
