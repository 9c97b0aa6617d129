// From a checked request to the engine. Blocking and heavy (tokenizing): for worker threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/openai/api_context.h"
#include "server/openai/completion_request.h"

namespace sovereign::server::openai {

// Text or the tokens themselves. `parse_special`: names of control tokens in the text become those.
// Errors: context_length_exceeded naming `param`, invalid_argument for an empty prompt.
outcome<std::vector<engine::Token>> to_prompt(const ServedModel& served, const TextOrTokens& text,
                                              bool parse_special, const std::string& param);

// The same for any tokens that are already there.
outcome<std::vector<engine::Token>> check_prompt(const ServedModel& served, std::vector<engine::Token> tokens,
                                                 const std::string& param);

// One engine request per prompt; choice i of prompt p has the index p * n + i. Either all are accepted
// or the first refusal is returned and the others are cancelled.
std::optional<ApiFailure> submit_all(const ApiContext& api, const ServedModel& served,
                                     const std::shared_ptr<TokenChannel>& channel,
                                     std::vector<std::vector<engine::Token>> prompts,
                                     const GenerationOptions& options);

}  // namespace sovereign::server::openai
