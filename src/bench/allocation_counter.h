// Counts the current thread's allocations. Linking allocation_counter.cpp into a program replaces its
// operator new; sovereign-bench does, and tests of what must not allocate.
#pragma once

#include <cstdint>

namespace sovereign::bench {

// Calls of any operator new by this thread since it began.
std::uint64_t allocations_of_this_thread() noexcept;

}  // namespace sovereign::bench
