#include "config/key.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "config/quantity.h"

namespace sovereign::config {
namespace {

std::string format_bound(const Key& key, std::int64_t value) {
  if (key.kind == Kind::duration) return format_duration_ms(value);
  if (key.kind == Kind::size) return format_size_bytes(value);
  return std::to_string(value);
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

result<Value> parse_boolean(std::string_view text) {
  if (text == "true") return Value(true);
  if (text == "false") return Value(false);
  return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not true or false", text));
}

result<Value> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end || text.empty()) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not an integer", text));
  }
  return Value(number);
}

// As TOML wants it: with a point, or an exponent.
std::string format_real(double value) {
  std::string text = fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

result<Value> parse_real(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end || text.empty() || !std::isfinite(number)) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a number", text));
  }
  return Value(number);
}

Value parse_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return Value(std::move(items));
}

}  // namespace

std::string environment_name(std::string_view key_name) {
  std::string out = "SOVEREIGN_";
  for (const char c : key_name) {
    out += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

std::string_view Key::section() const { return std::string_view(name).substr(0, name.find('.')); }

std::string_view Key::last_name() const { return std::string_view(name).substr(name.find('.') + 1); }

std::string Key::long_flag() const { return "--" + name; }

std::string describe_type(const Key& key) {
  const auto bounds = [&] { return format_bound(key, key.min) + " to " + format_bound(key, key.max); };
  switch (key.kind) {
    case Kind::boolean: return "true or false";
    case Kind::integer: return "integer, " + bounds();
    case Kind::real: return fmt::format("number, {} to {}", format_real(key.least), format_real(key.most));
    case Kind::size: return "size, " + bounds();
    case Kind::duration: return "duration, " + bounds();
    case Kind::text: return "text";
    case Kind::choice: return fmt::format("one of {}", fmt::join(key.choices, ", "));
    case Kind::path: return "file";
    case Kind::model: return "file or model name";
    case Kind::list: return "list of texts";
  }
  return {};
}

result<Value> parse_text(const Key& key, std::string_view text) {
  const auto to_value = [](std::int64_t number) { return Value(number); };
  switch (key.kind) {
    case Kind::boolean: return parse_boolean(text);
    case Kind::integer: return parse_integer(text);
    case Kind::real: return parse_real(text);
    case Kind::size: return parse_size_bytes(text).map(to_value);
    case Kind::duration: return parse_duration_ms(text).map(to_value);
    case Kind::list: return parse_list(text);
    default: return Value(std::string(text));
  }
}

result<void> check(const Key& key, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (*number < key.min || *number > key.max) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} is out of range ({} to {})", format_bound(key, *number),
                              format_bound(key, key.min), format_bound(key, key.max)));
    }
  }
  if (const auto* real = std::get_if<double>(&value)) {
    if (!(*real >= key.least && *real <= key.most)) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} is out of range ({} to {})", format_real(*real), format_real(key.least),
                              format_real(key.most)));
    }
  }
  if (key.kind == Kind::choice) {
    const auto& word = std::get<std::string>(value);
    if (std::find(key.choices.begin(), key.choices.end(), word) == key.choices.end()) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("'{}' is not one of {}", word, fmt::join(key.choices, ", ")));
    }
  }
  return key.rule ? key.rule(value) : result<void>{};
}

std::string to_toml(const Key& key, const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) return quote(*text);
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    std::vector<std::string> quoted;
    std::transform(list->begin(), list->end(), std::back_inserter(quoted), quote);
    return fmt::format("[{}]", fmt::join(quoted, ", "));
  }
  if (const auto* real = std::get_if<double>(&value)) return format_real(*real);
  const std::int64_t number = std::get<std::int64_t>(value);
  return key.kind == Kind::integer ? std::to_string(number) : quote(format_bound(key, number));
}

}  // namespace sovereign::config
