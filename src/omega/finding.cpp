#include "omega/finding.h"

#include <algorithm>

namespace sovereign::omega {

std::string_view to_string(FindingKind kind) {
  switch (kind) {
    case FindingKind::private_key: return "private_key";
    case FindingKind::access_token: return "access_token";
    case FindingKind::json_web_token: return "json_web_token";
    case FindingKind::email: return "email";
    case FindingKind::phone: return "phone";
    case FindingKind::iban: return "iban";
    case FindingKind::payment_card: return "payment_card";
    case FindingKind::social_security_number: return "social_security_number";
  }
  return {};
}

bool is_given(std::string_view part, std::span<const std::string_view> given) {
  return std::any_of(given.begin(), given.end(),
                     [&](std::string_view text) { return text.find(part) != std::string_view::npos; });
}

}  // namespace sovereign::omega
