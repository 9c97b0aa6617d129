#include "engine/schema_check.h"

#include <fmt/format.h>
#include <json.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <initializer_list>
#include <set>
#include <string_view>
#include <vector>

#include "engine/schema_pattern.h"

namespace sovereign::engine {
namespace {

using Json = common_json;
using Keywords = std::initializer_list<const char*>;

constexpr std::size_t kMaxSchemas = 10'000;
constexpr std::size_t kMaxMembers = 1'000;      // of one `properties`, `enum`, `anyOf` …
constexpr std::size_t kMaxNameBytes = 128;      // of one property
constexpr std::size_t kMaxReferences = 64;      // one after another
constexpr int kMaxDepth = 256;                  // of schemas within schemas, references followed
constexpr double kMaxBound = 9007199254740991;  // 2^53 - 1: what JSON numbers keep exactly
constexpr std::size_t kMaxRepetitions = 100'000;

// Thrown and caught in this file.
struct Refused {
  std::string why;
};

// Keywords that constrain whatever value there is, and that no grammar of the converter expresses.
constexpr Keywords kNever = {
    "not",          "if",          "then",         "else", "dependentSchemas", "dependentRequired",
    "dependencies", "$dynamicRef", "$recursiveRef"};
constexpr Keywords kObject = {
    "properties",    "required",          "additionalProperties", "minProperties",
    "maxProperties", "patternProperties", "propertyNames",        "unevaluatedProperties"};
constexpr Keywords kArray = {"items",    "prefixItems", "minItems",    "maxItems",        "uniqueItems",
                             "contains", "minContains", "maxContains", "additionalItems", "unevaluatedItems"};
constexpr Keywords kString = {"pattern", "minLength", "maxLength"};
constexpr Keywords kNumber = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"};
constexpr Keywords kCombining = {"$ref", "oneOf", "anyOf", "allOf", "const", "enum", "type"};

bool knows_format(const std::string& format) {
  for (const char* const known :
       {"date", "time", "date-time", "uuid", "uuid1", "uuid2", "uuid3", "uuid4", "uuid5"}) {
    if (format == known) return true;
  }
  return false;
}

std::string text_of(const Json& schema, const char* key) {
  return schema.contains(key) && schema.at(key).is_string() ? schema.at(key).get<std::string>()
                                                            : std::string();
}

bool is_type(const Json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

class Checker {
 public:
  Checker(const Json& root, bool everything) : root_(root), everything_(everything) {}

  void check(const Json& schema, const std::string& at) {
    if (++depth_ > kMaxDepth) throw Refused{fmt::format("it is nested more than {} deep", kMaxDepth)};
    check_here(schema, at);
    --depth_;
  }

 private:
  void check_here(const Json& schema, const std::string& at) {
    if (++schemas_ > kMaxSchemas) throw Refused{fmt::format("it has more than {} parts", kMaxSchemas)};
    if (!schema.is_object()) throw Refused{fmt::format("'{}' must be an object", at)};
    refuse(schema, at, kNever, "is not enforced");
    if (schema.contains("$ref")) {
      alone(schema, at, "$ref", {});
      return follow(schema, at);
    }
    for (const char* const key : {"oneOf", "anyOf"}) {
      if (!schema.contains(key)) continue;
      alone(schema, at, key, {});
      return each(schema.at(key), at + "/" + key);
    }
    if (schema.contains("type") && schema.at("type").is_array()) {
      const Json& types = schema.at("type");
      bounded(types.size(), at + "/type");
      for (std::size_t i = 0; i < types.size(); ++i) {
        if (types.at(i).is_string()) typed(schema, at, types.at(i).get<std::string>());
      }
      return;
    }
    typed(schema, at, text_of(schema, "type"));
  }

  [[noreturn]] static void refuse_keyword(const std::string& at, const char* key, std::string_view why) {
    throw Refused{fmt::format("'{}' at '{}' {}", key, at, why)};
  }
  void refuse(const Json& schema, const std::string& at, Keywords keys, std::string_view why) const {
    if (!everything_) return;
    for (const char* const key : keys) {
      if (schema.contains(key)) refuse_keyword(at, key, why);
    }
  }
  // No constraint beside `key` but those in `allowed`: the converter looks no further.
  void alone(const Json& schema, const std::string& at, std::string_view key, Keywords allowed) const {
    const std::string why = fmt::format("is not enforced beside '{}'", key);
    for (const Keywords keys : {kObject, kArray, kString, kNumber, kCombining}) {
      for (const char* const other : keys) {
        if (other == key ||
            std::find(allowed.begin(), allowed.end(), std::string_view(other)) != allowed.end()) {
          continue;
        }
        refuse(schema, at, {other}, why);
      }
    }
    if (knows_format(text_of(schema, "format"))) refuse(schema, at, {"format"}, why);
  }
  static void bounded(std::size_t members, const std::string& at) {
    if (members > kMaxMembers) throw Refused{fmt::format("'{}' has more than {} members", at, kMaxMembers)};
  }
  void each(const Json& schemas, const std::string& at) {
    if (!schemas.is_array()) throw Refused{fmt::format("'{}' must be an array of schemas", at)};
    bounded(schemas.size(), at);
    for (std::size_t i = 0; i < schemas.size(); ++i) check(schemas.at(i), fmt::format("{}/{}", at, i));
  }

  // The converter reports a place that is not there, with the same words for everybody.
  const Json* target(const Json& schema) const {
    const std::string reference = text_of(schema, "$ref");
    if (!reference.starts_with("#/")) return nullptr;
    const Json* at = &root_;
    for (std::size_t begin = 2; begin <= reference.size();) {
      const std::size_t end = std::min(reference.find('/', begin), reference.size());
      const std::string name = reference.substr(begin, end - begin);
      begin = end + 1;
      if (at->is_array() && !name.empty() && name.size() < 6 &&
          name.find_first_not_of("0123456789") == std::string::npos && std::stoul(name) < at->size()) {
        at = &at->at(std::stoul(name));
      } else if (at->is_object() && at->contains(name)) {
        at = &at->at(name);
      } else {
        return nullptr;
      }
    }
    return at;
  }
  // Through references to what is none.
  const Json* resolved(const Json& schema) const {
    const Json* at = &schema;
    for (std::size_t i = 0; at != nullptr && at->is_object() && at->contains("$ref"); ++i) {
      if (i == kMaxReferences) throw Refused{fmt::format("'{}' leads nowhere", text_of(schema, "$ref"))};
      at = target(*at);
    }
    return at;
  }
  void follow(const Json& schema, const std::string& at) {
    const std::string reference = text_of(schema, "$ref");
    const Json* const end = resolved(schema);
    if (end == nullptr)
      throw Refused{fmt::format("'$ref' at '{}' must name a place in the schema, as '#/…'", at)};
    if (followed_.insert(reference).second) check(*target(schema), reference);
  }

  void typed(const Json& schema, const std::string& at, const std::string& type) {
    for (const char* const key : {"const", "enum"}) {
      if (!schema.contains(key)) continue;
      alone(schema, at, key, {"type"});
      return values(schema, at, key, type);
    }
    const bool has_properties =
        schema.contains("properties") ||
        (schema.contains("additionalProperties") &&
         !(schema.at("additionalProperties").is_boolean() && schema.at("additionalProperties").get<bool>()));
    const bool has_all = schema.contains("allOf");
    if ((type.empty() || type == "object") && has_properties) return object(schema, at);
    if ((type.empty() || type == "object" || type == "string") && has_all) {
      alone(schema, at, "allOf", {"type"});
      return all_of(schema.at("allOf"), at + "/allOf", type);
    }
    refuse(schema, at, {"allOf"}, "is not enforced here");
    if (type == "object") return object(schema, at);
    if (type == "array" || (type.empty() && (schema.contains("items") || schema.contains("prefixItems")))) {
      return array(schema, at);
    }
    const bool like_string = schema.contains("pattern") || schema.contains("minLength") ||
                             schema.contains("maxLength") || knows_format(text_of(schema, "format"));
    if (type == "string" || (type.empty() && like_string)) return string(schema, at);
    if (type == "integer") return integer(schema, at);
    if (type == "number") return refuse(schema, at, kNumber, "is enforced for integers only");
    if (type.empty()) {
      for (const Keywords keys : {kObject, kArray, kNumber})
        refuse(schema, at, keys, "needs a 'type' beside it");
    }
  }

  void values(const Json& schema, const std::string& at, const char* key, const std::string& type) const {
    const Json& given = schema.at(key);
    const auto fits = [&](const Json& value) { return type.empty() || is_type(value, type); };
    if (std::string_view(key) == "const") {
      if (everything_ && !fits(given)) refuse_keyword(at, key, "is not of the 'type'");
      return;
    }
    if (!given.is_array()) throw Refused{fmt::format("'enum' at '{}' must be an array", at)};
    bounded(given.size(), at + "/enum");
    // With several types, each is asked about all values: those of the others are no mistake.
    if (!everything_ || schema.at(key).empty() || (schema.contains("type") && schema.at("type").is_array()))
      return;
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (!fits(given.at(i))) refuse_keyword(at, key, "has a value that is not of the 'type'");
    }
  }

  void object(const Json& schema, const std::string& at) {
    refuse(schema, at,
           {"minProperties", "maxProperties", "patternProperties", "propertyNames", "unevaluatedProperties",
            "allOf"},
           "is not enforced");
    static const Json kNone = Json::parse("{}");
    const Json& properties = schema.contains("properties") ? schema.at("properties") : kNone;
    if (!properties.is_object()) throw Refused{fmt::format("'properties' at '{}' must be an object", at)};
    bounded(properties.size(), at + "/properties");
    for (const auto& [name, property] : properties.items()) {
      if (name.size() > kMaxNameBytes) {
        throw Refused{fmt::format("a property at '{}' has a name longer than {} bytes", at, kMaxNameBytes)};
      }
      check(property, at + "/properties/" + name);
    }
    if (schema.contains("additionalProperties") && schema.at("additionalProperties").is_object()) {
      check(schema.at("additionalProperties"), at + "/additionalProperties");
    }
    if (!everything_ || !schema.contains("required")) return;
    const Json& required = schema.at("required");
    if (!required.is_array()) throw Refused{fmt::format("'required' at '{}' must be an array", at)};
    for (std::size_t i = 0; i < required.size(); ++i) {
      if (!required.at(i).is_string() || !properties.contains(required.at(i).get<std::string>())) {
        refuse_keyword(at, "required", "names something that 'properties' does not have");
      }
    }
  }

  // The converter merges the properties of objects, all of them required; of one member it takes an
  // enumeration too. Everything else it drops.
  void all_of(const Json& members, const std::string& at, const std::string& type) {
    each(members, at);
    if (!everything_) return;
    std::set<std::string> names;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const Json* const member = resolved(members.at(i));
      const bool enumeration = member != nullptr && member->contains("enum") && !member->contains("anyOf");
      if (members.size() == 1 && enumeration) return;
      if (member == nullptr || !member->contains("properties") || type == "string" ||
          (members.size() > 1 && member->contains("additionalProperties"))) {
        throw Refused{
            fmt::format("'{}/{}' is not enforced: all members must be objects with properties", at, i)};
      }
      for (const auto& [name, property] : member->at("properties").items()) {
        if (!names.insert(name).second) {
          throw Refused{fmt::format("the property '{}' is in several members of '{}'", name, at)};
        }
      }
    }
  }

  std::size_t number(const Json& schema, const std::string& at, const char* key, std::size_t absent) const {
    if (!schema.contains(key)) return absent;
    const Json& value = schema.at(key);
    if (!value.is_number_integer() || value.get<double>() < 0 ||
        value.get<double>() > static_cast<double>(kMaxRepetitions)) {
      throw Refused{
          fmt::format("'{}' at '{}' must be a whole number from 0 to {}", key, at, kMaxRepetitions)};
    }
    return static_cast<std::size_t>(value.get<double>());
  }
  void ordered(const Json& schema, const std::string& at, const char* least, const char* most) const {
    if (number(schema, at, least, 0) > number(schema, at, most, kMaxRepetitions)) {
      throw Refused{fmt::format("'{}' at '{}' is larger than '{}'", least, at, most)};
    }
  }

  void array(const Json& schema, const std::string& at) {
    refuse(schema, at, {"contains", "minContains", "maxContains", "additionalItems", "unevaluatedItems"},
           "is not enforced");
    if (everything_ && schema.contains("uniqueItems") &&
        !(schema.at("uniqueItems").is_boolean() && !schema.at("uniqueItems").get<bool>())) {
      refuse_keyword(at, "uniqueItems", "is not enforced");
    }
    ordered(schema, at, "minItems", "maxItems");
    const char* const key = schema.contains("items") ? "items" : "prefixItems";
    if (std::string_view(key) == "items")
      refuse(schema, at, {"prefixItems"}, "is not enforced beside 'items'");
    if (!schema.contains(key)) return;
    const Json& items = schema.at(key);
    if (!items.is_array()) return check(items, at + "/" + key);
    each(items, at + "/" + key);
    if (everything_ && (number(schema, at, "minItems", 0) > items.size() ||
                        number(schema, at, "maxItems", kMaxRepetitions) < items.size())) {
      throw Refused{fmt::format(
          "'{}' at '{}' asks for as many items as it has, 'minItems' or 'maxItems' for others", key, at)};
    }
  }

  void string(const Json& schema, const std::string& at) const {
    ordered(schema, at, "minLength", "maxLength");
    const bool format = knows_format(text_of(schema, "format"));
    if (schema.contains("pattern")) {
      refuse(schema, at, {"minLength", "maxLength"}, "is not enforced beside 'pattern'");
      if (format) refuse(schema, at, {"format"}, "is not enforced beside 'pattern'");
      if (const auto why = everything_ ? why_not_enforced(text_of(schema, "pattern")) : std::nullopt) {
        refuse_keyword(at, "pattern", *why);
      }
    } else if (format) {
      refuse(schema, at, {"minLength", "maxLength"}, "is not enforced beside 'format'");
    }
  }

  void integer(const Json& schema, const std::string& at) const {
    refuse(schema, at, {"multipleOf"}, "is not enforced");
    if (schema.contains("minimum"))
      refuse(schema, at, {"exclusiveMinimum"}, "is not enforced beside 'minimum'");
    if (schema.contains("maximum"))
      refuse(schema, at, {"exclusiveMaximum"}, "is not enforced beside 'maximum'");
    const auto bound = [&](const char* key, const char* exclusive, double step, double absent) {
      const char* const used = schema.contains(key) ? key : exclusive;
      if (!schema.contains(used)) return absent;
      const Json& value = schema.at(used);
      if (!value.is_number() || std::abs(value.get<double>()) > kMaxBound) {
        throw Refused{fmt::format("'{}' at '{}' must be a number of at most 2^53", used, at)};
      }
      return value.get<double>() + (used == key ? 0 : step);
    };
    const double least = bound("minimum", "exclusiveMinimum", 1, -kMaxBound);
    const double most = bound("maximum", "exclusiveMaximum", -1, kMaxBound);
    if (std::ceil(least) > std::floor(most)) {
      throw Refused{fmt::format("the bounds of the integer at '{}' leave no number", at)};
    }
  }

  const Json& root_;
  const bool everything_;
  std::size_t schemas_ = 0;
  int depth_ = 0;
  std::set<std::string> followed_;
};

}  // namespace

result<void> check_schema(const std::string& schema, bool everything) {
  const auto bad = [](const std::string& why) {
    return fail(ErrorCode::invalid_argument, fmt::format("the JSON schema cannot be used: {}", why),
                "response_format");
  };
  try {
    const Json root = Json::parse(schema);
    Checker(root, everything).check(root, "#");
    return {};
  } catch (const Refused& refused) {
    return bad(refused.why);
  } catch (const std::exception& error) {
    return bad(error.what());
  }
}

}  // namespace sovereign::engine
