// Checks a JSON value against a JSON schema: the part of draft 2020-12 that constrained output uses.
//
// Checked: type, enum, const, properties, required, additionalProperties (boolean or schema), minProperties,
// maxProperties, items, prefixItems, minItems, maxItems, uniqueItems, minLength, maxLength, minimum, maximum,
// exclusiveMinimum, exclusiveMaximum, multipleOf (of integers), allOf, anyOf, oneOf, not, and $ref to
// "#" and "#/…". Passed over: pattern, format, if/then/else, dependentSchemas, contains, unevaluated*,
// references elsewhere; a value that only breaks these counts as matching.
#pragma once

#include <boost/json/value.hpp>

namespace sovereign::omega {

// Depth of nesting and of references beyond which a value counts as not matching.
inline constexpr int kMaxSchemaDepth = 64;

bool matches_schema(const boost::json::value& value, const boost::json::value& schema);

}  // namespace sovereign::omega
