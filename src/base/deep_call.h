// Calls what recurses deeper than a thread's stack may be.
#pragma once

#include <cstddef>
#include <functional>

namespace sovereign {

// Runs `call` to its end on a stack of at least so many bytes, which are taken from memory as they are used.
// What it throws is thrown here. False: no such stack was to be had, and nothing was called. Thread-safe.
bool call_on_stack(std::size_t stack_bytes, const std::function<void()>& call);

}  // namespace sovereign
