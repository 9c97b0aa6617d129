// Something in an answer that should not be there: what and where, never the text itself, so that a
// finding can be logged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sovereign::omega {

enum class FindingKind : std::uint8_t {
  // secrets
  private_key,
  access_token,
  json_web_token,
  // personal data
  email,
  phone,
  iban,
  payment_card,
  social_security_number,
};

std::string_view to_string(FindingKind kind);

struct Finding {
  FindingKind kind = FindingKind::private_key;
  std::size_t offset = 0;  // bytes into the text
  std::size_t length = 0;

  friend constexpr bool operator==(const Finding&, const Finding&) = default;
};

// Whether it stands in one of the texts that came with the query.
bool is_given(std::string_view part, std::span<const std::string_view> given);

// Findings kept of one answer; what is beyond is not listed, but the score is 0 all the same.
inline constexpr std::size_t kMaxFindings = 32;

}  // namespace sovereign::omega
