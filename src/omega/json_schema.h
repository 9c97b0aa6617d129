// Checks a JSON value against a JSON schema: the part of draft 2020-12 that constrained output uses.
//
// Checked: type, enum, const, properties, required, additionalProperties (boolean or schema), minProperties,
// maxProperties, items, prefixItems, minItems, maxItems, uniqueItems, minLength, maxLength, minimum, maximum,
// exclusiveMinimum, exclusiveMaximum, multipleOf (of integers), allOf, anyOf, oneOf, not, and $ref to
// "#" and "#/…". Passed over: pattern, format, if/then/else, dependentSchemas, contains, unevaluated*,
// references elsewhere; a value that only breaks these counts as matching.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>

namespace sovereign::omega {

// Bounds beyond which a value counts as not matching, since a schema may come from anybody: depth of nesting
// and of references; pairs of a value and a schema looked at (references can double them at each depth);
// items of an array that must be unique (each is compared with each).
inline constexpr int kMaxSchemaDepth = 64;
inline constexpr std::size_t kMaxSchemaSteps = 100'000;
inline constexpr std::size_t kMaxUniqueItems = 1024;

bool matches_schema(const boost::json::value& value, const boost::json::value& schema);

}  // namespace sovereign::omega
