#include "engine/chat_input.h"

#include <chat.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <string_view>

#include "engine/schema_check.h"

namespace sovereign::engine {
namespace {

using Json = common_json;

tl::unexpected<Error> bad(std::string where, std::string_view what) {
  std::string message = fmt::format("{} {}", where, what);
  return fail(ErrorCode::invalid_argument, std::move(message), std::move(where));
}

bool has_text(const Json& object, const char* key) {
  return object.contains(key) && object.at(key).is_string() && !object.at(key).get<std::string>().empty();
}

result<void> check_content(const Json& content, const std::string& where) {
  if (content.is_string() || content.is_null()) return {};
  if (!content.is_array()) return bad(where, "must be a string, or an array of text parts");
  for (std::size_t i = 0; i < content.size(); ++i) {
    const Json& part = content.at(i);
    const std::string part_where = fmt::format("{}[{}]", where, i);
    if (!part.is_object() || !has_text(part, "type")) return bad(part_where, "must be an object with a type");
    if (part.at("type").get<std::string>() != "text") {
      return bad(part_where, "is of a type that this model cannot read; only text is");
    }
    if (!part.contains("text") || !part.at("text").is_string()) return bad(part_where, "must have a text");
  }
  return {};
}

result<void> check_tool_calls(const Json& calls, const std::string& where) {
  if (!calls.is_array()) return bad(where, "must be an array");
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Json& call = calls.at(i);
    const std::string call_where = fmt::format("{}[{}]", where, i);
    if (!call.is_object() || !call.contains("function") || !call.at("function").is_object() ||
        !has_text(call.at("function"), "name")) {
      return bad(call_where, "must be an object with a function that has a name");
    }
    if (!call.at("function").contains("arguments"))
      return bad(call_where + ".function", "must have arguments");
  }
  return {};
}

// Also brings the message into the shape that `common` expects.
result<void> check_message(Json& message, const std::string& where) {
  static constexpr std::array kRoles = {"system", "developer", "user", "assistant", "tool"};
  if (!message.is_object()) return bad(where, "must be an object");
  if (!has_text(message, "role")) return bad(where + ".role", "is missing or not a string");
  const auto role = message.at("role").get<std::string>();
  if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end()) {
    return bad(where + ".role",
               fmt::format("is '{}'; it must be system, developer, user, assistant or tool", role));
  }
  // null is how clients write 'absent'.
  for (const char* key : {"tool_calls", "reasoning_content", "name", "tool_call_id"}) {
    if (message.contains(key) && message.at(key).is_null()) message.erase(key);
  }
  if (message.contains("tool_calls")) {
    if (role != "assistant") return bad(where + ".tool_calls", "belongs to assistant messages only");
    if (auto valid = check_tool_calls(message.at("tool_calls"), where + ".tool_calls"); !valid) return valid;
    for (std::size_t i = 0; i < message.at("tool_calls").size(); ++i)
      message.at("tool_calls").at(i)["type"] = "function";
  }
  const bool may_lack_content = role == "assistant" && message.contains("tool_calls");
  const bool has_content = message.contains("content") && !message.at("content").is_null();
  if (!has_content && !may_lack_content) return bad(where + ".content", "is missing");
  return has_content ? check_content(message.at("content"), where + ".content") : result<void>{};
}

}  // namespace

result<std::vector<common_chat_msg>> parse_chat_messages(const std::string& messages_json) {
  try {
    Json messages = Json::parse(messages_json);
    if (!messages.is_array()) return bad("messages", "must be an array");
    if (messages.empty()) return bad("messages", "must hold at least one message");
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (auto valid = check_message(messages.at(i), fmt::format("messages[{}]", i)); !valid) {
        return fail(valid.error());
      }
    }
    return common_chat_msgs_parse_oaicompat(messages);
  } catch (const std::exception& error) {
    return bad("messages", fmt::format("cannot be read: {}", error.what()));
  }
}

result<std::vector<common_chat_tool>> parse_chat_tools(const std::string& tools_json) {
  if (tools_json.empty()) return {};
  try {
    const Json tools = Json::parse(tools_json);
    if (!tools.is_array()) return bad("tools", "must be an array");
    for (std::size_t i = 0; i < tools.size(); ++i) {
      const Json& tool = tools.at(i);
      const std::string where = fmt::format("tools[{}]", i);
      if (!tool.is_object() || !has_text(tool, "type") || tool.at("type").get<std::string>() != "function") {
        return bad(where, "must be an object of type 'function'");
      }
      if (!tool.contains("function") || !tool.at("function").is_object() ||
          !has_text(tool.at("function"), "name")) {
        return bad(where + ".function", "must be an object with a name");
      }
      const Json& function = tool.at("function");
      if (function.contains("parameters") && !function.at("parameters").is_object()) {
        return bad(where + ".function.parameters", "must be a JSON schema object");
      }
      if (function.contains("parameters") && !function.at("parameters").empty()) {
        const bool strict = function.contains("strict") && function.at("strict").is_boolean() &&
                            function.at("strict").get<bool>();
        if (auto can = check_schema(function.at("parameters").dump(), strict); !can) {
          return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", where, can.error().message),
                      where + ".function.parameters");
        }
      }
      if (function.contains("description") && !function.at("description").is_string()) {
        return bad(where + ".function.description", "must be a string");
      }
    }
    return common_chat_tools_parse_oaicompat(tools);
  } catch (const std::exception& error) {
    return bad("tools", fmt::format("cannot be read: {}", error.what()));
  }
}

result<ToolChoice> parse_tool_choice(const std::string& tool_choice,
                                     const std::vector<common_chat_tool>& tools) {
  if (tool_choice == "none") return ToolChoice{ToolChoice::Mode::none, {}};
  if (tool_choice.empty() || tool_choice == "auto") return ToolChoice{ToolChoice::Mode::allowed, {}};
  if (tools.empty()) return bad("tool_choice", "needs tools");
  if (tool_choice == "required") return ToolChoice{ToolChoice::Mode::required, {}};
  const Json choice = Json::parse_no_throw(tool_choice);
  if (!choice.is_object() || !choice.contains("function") || !choice.at("function").is_object() ||
      !has_text(choice.at("function"), "name")) {
    return bad("tool_choice", "must be none, auto, required, or an object that names a function");
  }
  const auto name = choice.at("function").at("name").get<std::string>();
  if (std::none_of(tools.begin(), tools.end(), [&](const auto& tool) { return tool.name == name; })) {
    return bad("tool_choice", fmt::format("names '{}', which is not among the tools", name));
  }
  return ToolChoice{ToolChoice::Mode::required, name};
}

}  // namespace sovereign::engine
