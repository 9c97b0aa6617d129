// Counts the current thread's allocations. Linking counting_allocator.cpp into a test replaces the
// program's operator new, so link it only where allocations are what is tested.
#pragma once

#include <cstdint>

namespace sovereign::testing {

// Calls of any operator new by this thread since it began.
std::uint64_t thread_allocations() noexcept;

}  // namespace sovereign::testing
