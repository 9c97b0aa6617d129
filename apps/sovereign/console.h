// Lines that people read, and the two ways a command fails.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sovereign {

// "sovereign: MESSAGE" on standard error; returns kExitFailure, or kExitInterrupted when it was cancelled.
int print_failure(const Error& error);

// "93.8 MiB".
std::string human_bytes(std::uint64_t bytes);

}  // namespace sovereign
