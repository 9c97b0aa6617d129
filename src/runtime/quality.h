// What was found out about the quality of one answer: the note that goes with it, also when it was cached.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "omega/gate.h"

namespace sovereign::runtime {

struct Quality {
  omega::Assessment assessment;
  std::vector<omega::Shortfall> shortfalls;  // what `enforce` holds against it
  std::optional<std::string> judge_reason;   // the judge's own sentence; none: nobody judged
  std::uint32_t retries = 0;                 // answers that were given up before this one

  bool passed() const { return shortfalls.empty(); }
};

// Names in stored notes and in JSON: omega's own.
std::optional<omega::FindingKind> finding_kind_from(std::string_view name);

}  // namespace sovereign::runtime
