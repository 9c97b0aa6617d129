// Checks of a chat request's JSON before llama.cpp's `common` reads it.
//
// `common` answers with exceptions that quote the whole body; these name the message or the tool.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

struct common_chat_msg;
struct common_chat_tool;

namespace sovereign::engine {

// Errors: invalid_argument with e.g. "messages[2].content" in `where`.
result<std::vector<common_chat_msg>> parse_chat_messages(const std::string& messages_json);
// Empty text: no tools.
result<std::vector<common_chat_tool>> parse_chat_tools(const std::string& tools_json);

// Which tools may be called, and whether one must be.
struct ToolChoice {
  enum class Mode { none, allowed, required };
  Mode mode = Mode::allowed;
  std::string function;  // the only one to call; empty: any
};
result<ToolChoice> parse_tool_choice(const std::string& tool_choice,
                                     const std::vector<common_chat_tool>& tools);

}  // namespace sovereign::engine
