#include "server/openai/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parser.hpp>
#include <cmath>

#include "server/openai/json_text.h"

namespace sovereign::server::openai {
namespace {

std::string position(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto newline = before.rfind('\n');
  const auto column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  return fmt::format("line {}, column {}", line, column);
}

std::optional<double> as_number(const json::value& value) {
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (value.is_double()) return value.get_double();
  return std::nullopt;
}

// Past 2^53 a double no longer says which integer was meant.
constexpr double kMaxExactInteger = 9007199254740992.0;

}  // namespace

result<json::object> parse_object(std::string_view text) {
  if (const auto offset = find_invalid_utf8(text); offset != kValidUtf8) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("The request body is not valid UTF-8 at {} (byte {}).", position(text, offset), offset));
  }
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::parser parser({}, options);
  json::error_code error;
  const auto consumed = parser.write_some(text, error);
  if (!error) {
    const auto rest = text.find_first_not_of(" \t\r\n", consumed);
    if (rest != std::string_view::npos) {
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("The request body has text after its JSON value, at {}.", position(text, rest)));
    }
  }
  if (error == json::error::too_deep) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("The request body is nested deeper than {} levels.", kMaxJsonDepth));
  }
  if (error) {
    return fail(ErrorCode::invalid_argument, fmt::format("The request body is not valid JSON: {} at {}.",
                                                         error.message(), position(text, consumed)));
  }
  json::value value = parser.release();
  if (!value.is_object()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("The request body must be a JSON object, not {}.", type_name(value)));
  }
  return std::move(value.get_object());
}

std::string_view type_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_: return "a number";
    case json::kind::string: return "a string";
    case json::kind::array: return "an array";
    case json::kind::object: return "an object";
  }
  return "something else";
}

const json::value* Fields::find(std::string_view name) const {
  const auto* value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void Fields::read(std::string_view name, bool& out) {
  const auto* value = find(name);
  if (value == nullptr) return;
  if (!value->is_bool()) return refuse_type(name, "a boolean", *value);
  out = value->get_bool();
}

void Fields::read(std::string_view name, float& out, double low, double high) {
  const auto* value = find(name);
  if (value == nullptr) return;
  const auto number = as_number(*value);
  if (!number) return refuse_type(name, "a number", *value);
  if (!(*number >= low && *number <= high)) {  // NaN fails too
    return refuse(name, fmt::format("must be between {} and {}", low, high));
  }
  out = static_cast<float>(*number);
}

void Fields::read(std::string_view name, std::optional<std::int64_t>& out, std::int64_t low,
                  std::int64_t high) {
  const auto* value = find(name);
  if (value == nullptr) return;
  const auto out_of_range = [&] { refuse(name, fmt::format("must be between {} and {}", low, high)); };
  std::int64_t number = 0;
  if (value->is_int64()) {
    number = value->get_int64();
  } else if (value->is_uint64()) {
    return out_of_range();  // Boost.JSON uses it only past the largest int64
  } else if (value->is_double()) {
    const double real = value->get_double();
    if (!(std::abs(real) <= kMaxExactInteger)) return out_of_range();
    if (std::trunc(real) != real) return refuse(name, "must be a whole number");
    number = static_cast<std::int64_t>(real);
  } else {
    return refuse_type(name, "a whole number", *value);
  }
  if (number < low || number > high) return out_of_range();
  out = number;
}

void Fields::read(std::string_view name, std::string& out) {
  const auto* value = find(name);
  if (value == nullptr) return;
  if (!value->is_string()) return refuse_type(name, "a string", *value);
  out.assign(value->get_string().data(), value->get_string().size());
}

const json::object* Fields::object(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) {
    refuse_type(name, "an object", *value);
    return nullptr;
  }
  return &value->get_object();
}

const json::array* Fields::array(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    refuse_type(name, "an array", *value);
    return nullptr;
  }
  return &value->get_array();
}

void Fields::refuse(std::string_view name, std::string message) {
  if (error_) return;
  auto where = path_of(name);
  error_ = Error{ErrorCode::invalid_argument,
                 where.empty() ? std::move(message) : fmt::format("'{}' {}.", where, message), where};
}

void Fields::refuse_type(std::string_view name, std::string_view expected, const json::value& found) {
  refuse(name, fmt::format("must be {}, not {}", expected, type_name(found)));
}

std::string Fields::path_of(std::string_view name) const {
  if (path_.empty()) return std::string(name);
  return name.empty() ? path_ : fmt::format("{}.{}", path_, name);
}

}  // namespace sovereign::server::openai
