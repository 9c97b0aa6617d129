// Whether a JSON schema can be enforced: by a grammar, nothing less.
//
// llama.cpp's converter passes over keywords that it cannot express, and answers then match a weaker schema
// than the one that was asked for. This walks the schema first, in the converter's own order of precedence,
// and names the first keyword that would be lost. It also bounds what the converter recurses over.
// docs/api.md lists what is enforced.
#pragma once

#include <string>

#include "base/result.h"

namespace sovereign::engine {

// Errors: invalid_argument, naming the keyword and the place of its schema ("#/properties/age").
// `everything`: false checks the bounds only, for schemas that are a wish ("strict": false).
result<void> check_schema(const std::string& schema, bool everything);

}  // namespace sovereign::engine
