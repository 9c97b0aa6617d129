// A JSON object's members as slices of its text: to change one, and leave the others as they were written.
//
// Looks at the structure alone: what nested values and numbers hold is not checked. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sovereign::gateway {

// Refers to the text.
struct JsonMember {
  std::string name;
  std::string_view key;  // the name as it is written, with its quotes
  std::string_view value;
};

// In their order, those of one name too; nothing: the text is no object.
std::optional<std::vector<JsonMember>> json_members(std::string_view text);

// Null where there is none, or it is null. Of several the last, as parsers take them.
const JsonMember* find_member(const std::vector<JsonMember>& members, std::string_view name);

// The text with `value`, which is JSON, in place of that member's; as it is when there is none.
std::string replace_member(std::string_view text, std::string_view name, std::string_view value);

}  // namespace sovereign::gateway
