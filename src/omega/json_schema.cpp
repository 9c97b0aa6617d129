#include "omega/json_schema.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

namespace sovereign::omega {
namespace {

namespace json = boost::json;

bool is_whole(const json::value& value) {
  if (value.is_int64() || value.is_uint64()) return true;
  return value.is_double() && std::isfinite(value.get_double()) &&
         std::trunc(value.get_double()) == value.get_double();
}

double number_of(const json::value& value) {
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  return value.get_double();
}

// As JSON schema compares: 1 equals 1.0.
bool equal(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_double() || b.is_double()) return number_of(a) == number_of(b);
    return a == b;
  }
  if (a.is_array() && b.is_array()) {
    return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(), b.get_array().end(),
                      equal);
  }
  if (a.is_object() && b.is_object()) {
    if (a.get_object().size() != b.get_object().size()) return false;
    return std::all_of(a.get_object().begin(), a.get_object().end(), [&](const json::key_value_pair& member) {
      const json::value* other = b.get_object().if_contains(member.key());
      return other != nullptr && equal(member.value(), *other);
    });
  }
  return a == b;
}

std::size_t characters(const json::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_type(const json::value& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_number() && is_whole(value);
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  return true;  // not a type of the standard
}

class Checker {
 public:
  explicit Checker(const json::value& root) : root_(root) {}

  bool whole_matches(const json::value& value) { return matches(value, root_, 0) && !exhausted_; }

 private:
  bool matches(const json::value& value, const json::value& schema, int depth) {
    if (depth > kMaxSchemaDepth || ++steps_ > kMaxSchemaSteps) {
      exhausted_ = true;  // said apart from the result: a `not` would turn that round
      return false;
    }
    if (schema.is_bool()) return schema.get_bool();
    if (!schema.is_object()) return true;
    const json::object& rules = schema.get_object();
    return reference(value, rules, depth) && kind(value, rules) && combinations(value, rules, depth) &&
           (!value.is_object() || object(value.get_object(), rules, depth)) &&
           (!value.is_array() || array(value.get_array(), rules, depth)) &&
           (!value.is_string() || text(value.get_string(), rules)) &&
           (!value.is_number() || number(value, rules));
  }

  bool reference(const json::value& value, const json::object& rules, int depth) {
    const json::value* ref = rules.if_contains("$ref");
    if (ref == nullptr || !ref->is_string()) return true;
    const std::string_view path(ref->get_string().data(), ref->get_string().size());
    if (path.empty() || path.front() != '#') return true;
    json::error_code error;
    const json::value* target = root_.find_pointer({path.data() + 1, path.size() - 1}, error);
    return target != nullptr && matches(value, *target, depth + 1);
  }

  static bool kind(const json::value& value, const json::object& rules) {
    if (const json::value* type = rules.if_contains("type")) {
      const auto fits = [&](const json::value& name) {
        return name.is_string() && is_type(value, {name.get_string().data(), name.get_string().size()});
      };
      if (type->is_string() && !fits(*type)) return false;
      if (type->is_array() && std::none_of(type->get_array().begin(), type->get_array().end(), fits))
        return false;
    }
    if (const json::value* constant = rules.if_contains("const");
        constant != nullptr && !equal(value, *constant))
      return false;
    const json::value* list = rules.if_contains("enum");
    return list == nullptr || !list->is_array() ||
           std::any_of(list->get_array().begin(), list->get_array().end(),
                       [&](const json::value& allowed) { return equal(value, allowed); });
  }

  bool combinations(const json::value& value, const json::object& rules, int depth) {
    const auto matching = [&](const json::array& schemas) {
      return std::count_if(schemas.begin(), schemas.end(),
                           [&](const json::value& schema) { return matches(value, schema, depth + 1); });
    };
    const auto list = [&](std::string_view name) -> const json::array* {
      const json::value* found = rules.if_contains({name.data(), name.size()});
      return found == nullptr ? nullptr : found->if_array();
    };
    if (const auto* all = list("allOf"); all != nullptr && matching(*all) != static_cast<long>(all->size()))
      return false;
    if (const auto* any = list("anyOf"); any != nullptr && matching(*any) == 0) return false;
    if (const auto* one = list("oneOf"); one != nullptr && matching(*one) != 1) return false;
    const json::value* negated = rules.if_contains("not");
    return negated == nullptr || !matches(value, *negated, depth + 1);
  }

  bool object(const json::object& value, const json::object& rules, int depth) {
    if (!within(value.size(), rules, "minProperties", "maxProperties")) return false;
    if (const json::value* required = rules.if_contains("required");
        required != nullptr && required->is_array()) {
      for (const json::value& name : required->get_array()) {
        if (name.is_string() && !value.contains(name.get_string())) return false;
      }
    }
    const json::value* found = rules.if_contains("properties");
    const json::object* properties = found == nullptr ? nullptr : found->if_object();
    // With patternProperties, which are not looked at, nobody can say what is additional.
    const json::value* others =
        rules.contains("patternProperties") ? nullptr : rules.if_contains("additionalProperties");
    for (const json::key_value_pair& member : value) {
      const json::value* own = properties == nullptr ? nullptr : properties->if_contains(member.key());
      if (own != nullptr && !matches(member.value(), *own, depth + 1)) return false;
      if (own == nullptr && others != nullptr && !matches(member.value(), *others, depth + 1)) return false;
    }
    return true;
  }

  bool array(const json::array& value, const json::object& rules, int depth) {
    if (!within(value.size(), rules, "minItems", "maxItems")) return false;
    const json::value* listed = rules.if_contains("prefixItems");
    const json::array* first = listed == nullptr ? nullptr : listed->if_array();
    const json::value* items = rules.if_contains("items");
    for (std::size_t i = 0; i < value.size(); ++i) {
      const json::value* schema = first != nullptr && i < first->size() ? &(*first)[i] : items;
      if (schema != nullptr && !matches(value[i], *schema, depth + 1)) return false;
    }
    const json::value* unique = rules.if_contains("uniqueItems");
    if (unique == nullptr || !unique->is_bool() || !unique->get_bool()) return true;
    if (value.size() > kMaxUniqueItems) return false;
    for (std::size_t i = 0; i < value.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (equal(value[i], value[j])) return false;
      }
    }
    return true;
  }

  static bool text(const json::string& value, const json::object& rules) {
    return within(characters(value), rules, "minLength", "maxLength");
  }

  static bool number(const json::value& value, const json::object& rules) {
    const double x = number_of(value);
    const auto limit = [&](std::string_view name) -> std::optional<double> {
      const json::value* found = rules.if_contains({name.data(), name.size()});
      if (found == nullptr || !found->is_number()) return std::nullopt;
      return number_of(*found);
    };
    if (const auto least = limit("minimum"); least && x < *least) return false;
    if (const auto most = limit("maximum"); most && x > *most) return false;
    if (const auto above = limit("exclusiveMinimum"); above && x <= *above) return false;
    if (const auto below = limit("exclusiveMaximum"); below && x >= *below) return false;
    const json::value* step = rules.if_contains("multipleOf");
    if (step == nullptr || !step->is_number() || !is_whole(*step) || !is_whole(value) ||
        number_of(*step) == 0)
      return true;
    return std::fmod(x, number_of(*step)) == 0;
  }

  static bool within(std::size_t size, const json::object& rules, std::string_view least,
                     std::string_view most) {
    const json::value* low = rules.if_contains({least.data(), least.size()});
    const json::value* high = rules.if_contains({most.data(), most.size()});
    const auto count = static_cast<double>(size);
    return (low == nullptr || !low->is_number() || count >= number_of(*low)) &&
           (high == nullptr || !high->is_number() || count <= number_of(*high));
  }

  const json::value& root_;
  std::size_t steps_ = 0;
  bool exhausted_ = false;
};

}  // namespace

bool matches_schema(const json::value& value, const json::value& schema) {
  return Checker(schema).whole_matches(value);
}

}  // namespace sovereign::omega
