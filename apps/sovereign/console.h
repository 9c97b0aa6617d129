// Lines that people read, and the two ways a command fails.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sovereign {

// "sovereign: MESSAGE" on standard error; returns kExitFailure, or kExitInterrupted when it was cancelled.
int print_failure(const Error& error);

// Text that a stranger wrote, for a terminal: what would move its cursor, colour or reorder is spelt out
// (\x1b, \u202e), and so are bytes that are not UTF-8.
std::string shown(std::string_view text);

// "93.8 MiB".
std::string human_bytes(std::uint64_t bytes);

}  // namespace sovereign
