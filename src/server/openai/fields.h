// Typed, bounded reading of a JSON object's fields, with the first error kept and named.
//
//   Fields fields(object);
//   fields.read("temperature", temperature, 0.0, 2.0);
//   fields.read("stream", stream);
//   if (auto error = fields.error()) return fail(*error);
//
// A field that is absent or null leaves the variable as it is; fields nobody reads are ignored, as
// OpenAI-compatible servers do. Error::where is the parameter's path, e.g. "messages[2].role".
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sovereign::server::openai {

namespace json = boost::json;

inline constexpr std::size_t kMaxJsonDepth = 64;

// Body text to an object. Errors: invalid_argument saying line and column of what is malformed, not
// UTF-8, nested deeper than kMaxJsonDepth, or not an object.
result<json::object> parse_object(std::string_view text);

// "a string", "an array", ...: for messages.
std::string_view type_name(const json::value& value);

// The object is referred to and outlives the reader.
class Fields {
 public:
  explicit Fields(const json::object& object, std::string path = {})
      : object_(object), path_(std::move(path)) {}

  // Null when the field is absent or JSON null.
  const json::value* find(std::string_view name) const;

  void read(std::string_view name, bool& out);
  void read(std::string_view name, float& out, double low, double high);
  // A whole number; 16.0 counts as one.
  void read(std::string_view name, std::optional<std::int64_t>& out, std::int64_t low, std::int64_t high);
  void read(std::string_view name, std::string& out);

  // The field when it is there and of that type; a wrong type is an error.
  const json::object* object(std::string_view name);
  const json::array* array(std::string_view name);

  // Records an error about a field (or about the whole object when `name` is empty).
  void refuse(std::string_view name, std::string message);
  void refuse(Error error) {
    if (!error_) error_ = std::move(error);
  }
  void refuse_type(std::string_view name, std::string_view expected, const json::value& found);

  const std::optional<Error>& error() const { return error_; }
  std::string path_of(std::string_view name) const;

 private:
  const json::object& object_;
  std::string path_;
  std::optional<Error> error_;
};

}  // namespace sovereign::server::openai
