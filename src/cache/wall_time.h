// Time that survives a restart: an entry's age and end of life are told in it.
//
// Unix time in milliseconds, given as an argument everywhere below the shell. It may jump when the
// machine's clock is set: an entry then ends sooner or later than meant, and nothing worse.
#pragma once

#include <chrono>

namespace sovereign::cache {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using WallDuration = std::chrono::milliseconds;

inline constexpr WallTime kNever = WallTime::max();

inline WallTime wall_now() {
  return std::chrono::time_point_cast<WallDuration>(std::chrono::system_clock::now());
}

}  // namespace sovereign::cache
