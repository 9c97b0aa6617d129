#include "console.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <optional>

#include "command.h"
#include "crypto/utf8.h"

namespace sovereign {

int print_failure(const Error& error) {
  fmt::print(stderr, "sovereign: {}\n", error.message);
  return error.code == ErrorCode::cancelled ? kExitInterrupted : kExitFailure;
}

namespace {

// The UTF-8 sequence at the front, as a code point and its bytes; none: ill-formed.
struct Decoded {
  std::uint32_t point;
  std::size_t bytes;
};
std::optional<Decoded> decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t bytes = crypto::utf8_sequence_bytes(text.data(), text.data() + text.size());
  if (bytes == 0) return {};
  std::uint32_t point = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return Decoded{point, bytes};
}

// Line and paragraph separators, and marks that change the order of what follows (Unicode TR 9).
bool misleads(std::uint32_t point) {
  return point < 0xA0 || point == 0x061C || (point >= 0x200B && point <= 0x200F) ||
         (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) || point == 0xFEFF;
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    std::size_t bytes = 1;
    if (byte < 0x80) {
      out += byte >= 0x20 && byte != 0x7F ? std::string(1, text.front()) : fmt::format("\\x{:02x}", byte);
    } else if (const auto decoded = decode(text); !decoded) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      bytes = decoded->bytes;
      out += misleads(decoded->point) ? fmt::format("\\u{:04x}", decoded->point)
                                      : std::string(text.substr(0, bytes));
    }
    text.remove_prefix(bytes);
  }
  return out;
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
