// Whether the answer has the format that was asked for.
//
// format  1 or 0. json: one JSON value (RFC 8259) and nothing else but white space; json_object: the same,
//         and an object; json_schema: the same, and matches the schema as far as json_schema.h checks it.
// Unmeasured for free text, and when the schema itself is not JSON.
// Cost: a parse.
#pragma once

#include <optional>
#include <string_view>

#include "omega/evidence.h"

namespace sovereign::omega {

std::optional<double> format_compliance(std::string_view answer, AnswerFormat format,
                                        std::string_view schema);

}  // namespace sovereign::omega
