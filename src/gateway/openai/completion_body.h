// From requests to the body of POST /completions with several prompts. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/backend.h"
#include "gateway/openai/preset.h"

namespace sovereign::gateway {

// What of the body all prompts have in common, to follow render_prompts(): requests in which it is the same
// bytes can share a call. `turn_end`: the template's end of an answer, for servers that know it only from
// chats. Nothing: the request can share none, since it has tools, a grammar or schema, several choices,
// log-probabilities, arguments for the template or a seed that matters; or it sets no limit, where the
// server's own one for completions is another than for chats.
std::optional<std::string> render_shared_body(const GenerateRequest& request, const Dialect& dialect,
                                              const std::string& turn_end);
// The field that lists them.
std::string render_prompts(const std::vector<std::string>& prompts);

}  // namespace sovereign::gateway
