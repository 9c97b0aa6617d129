// JSON texts that the proof benchmarks work on. The same seed gives the same text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sovereign::bench {

// About `bytes` of what a consensus proposal or a receipt holds: nested objects with unsorted keys, short
// texts with some escapes and some beyond ASCII, integers, scores, digests in hexadecimal; indented as people
// write it.
std::string pattern_document(std::size_t bytes, std::uint64_t seed);

}  // namespace sovereign::bench
