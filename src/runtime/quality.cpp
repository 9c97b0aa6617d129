#include "runtime/quality.h"

namespace sovereign::runtime {

std::optional<omega::FindingKind> finding_kind_from(std::string_view name) {
  constexpr auto kLast = static_cast<unsigned>(omega::FindingKind::social_security_number);
  for (unsigned i = 0; i <= kLast; ++i) {
    const auto kind = static_cast<omega::FindingKind>(i);
    if (to_string(kind) == name) return kind;
  }
  return std::nullopt;
}

}  // namespace sovereign::runtime
