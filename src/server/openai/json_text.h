// JSON written straight into a string: the streaming path builds one chunk per token, so no document
// tree is made for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sovereign::server::openai {

// Appends `text` as a JSON string with its quotes (RFC 8259, section 7). Bytes that are not UTF-8
// become U+FFFD, one per maximal ill-formed part (Unicode 15, section 3.9), so the output is always valid.
void append_json_string(std::string& out, std::string_view text);

// Appends a finite number in its shortest form that reads back the same; others become null, since
// JSON has no NaN or infinity.
void append_json_number(std::string& out, double value);
void append_json_number(std::string& out, float value);
void append_json_number(std::string& out, std::int64_t value);
void append_json_number(std::string& out, std::uint64_t value);
void append_json_number(std::string& out, std::uint32_t value);

inline constexpr std::size_t kValidUtf8 = static_cast<std::size_t>(-1);

// Offset of the first byte that is not part of well-formed UTF-8, or kValidUtf8.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace sovereign::server::openai
