// Durations and sizes as people write them: "500ms", "30s", "10m", "2h"; "512", "64KiB", "4MiB", "1GB".
//
// Whole numbers with one unit; no fractions, no signs, no sums. Both directions are exact: parsing what
// format_* wrote gives the same number back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sovereign::config {

// Milliseconds. A unit is required: a bare number would leave open which one was meant.
result<std::int64_t> parse_duration_ms(std::string_view text);
std::string format_duration_ms(std::int64_t ms);

// Bytes. KiB, MiB, GiB are powers of 1024; kB, MB, GB powers of 1000; B or nothing: bytes.
result<std::int64_t> parse_size_bytes(std::string_view text);
std::string format_size_bytes(std::int64_t bytes);

}  // namespace sovereign::config
