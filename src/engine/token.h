// The vocabulary's unit, as llama.cpp numbers it.
#pragma once

#include <cstdint>

namespace sovereign::engine {

using Token = std::int32_t;
inline constexpr Token kNoToken = -1;

}  // namespace sovereign::engine
