// Which start of the machine this is: what was written but not synced is sure to be on disk only while it
// stays the same.
#pragma once

#include <array>
#include <cstddef>

#include "base/result.h"

namespace sovereign::pci {

using BootId = std::array<std::byte, 16>;

// Changes with every start of the machine. Errors: unsupported.
result<BootId> machine_boot_id();

}  // namespace sovereign::pci
