// OpenAI's `messages` and `tools`, checked and brought to the form that chat templates expect.
#pragma once

#include <string>

#include "server/openai/fields.h"

namespace sovereign::server::openai {

// The messages as JSON text. Errors name the message, e.g. "messages[2].role".
result<std::string> read_messages(const json::array& messages);

// The tools as JSON text. Each is a function with a name of its own.
result<std::string> read_tools(const json::array& tools, std::size_t max_tools);

// `tool_choice` as ChatInput wants it. Needs the tools to check a function's name.
result<std::string> read_tool_choice(const json::value& choice, const json::array& tools);

}  // namespace sovereign::server::openai
