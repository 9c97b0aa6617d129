#include "omega/signals/format_compliance.h"

#include <boost/json/parse.hpp>

#include "omega/json_schema.h"

namespace sovereign::omega {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxJsonDepth = 256;

std::optional<json::value> parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> format_compliance(std::string_view answer, AnswerFormat format,
                                        std::string_view schema) {
  if (format == AnswerFormat::free) return std::nullopt;
  std::optional<json::value> rules;
  if (format == AnswerFormat::json_schema && !(rules = parse(schema))) return std::nullopt;
  const std::optional<json::value> value = parse(answer);
  if (!value) return 0.0;
  if (format == AnswerFormat::json_object) return value->is_object() ? 1.0 : 0.0;
  if (rules) return matches_schema(*value, *rules) ? 1.0 : 0.0;
  return 1.0;
}

}  // namespace sovereign::omega
