#include "server/openai/chat_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace sovereign::server::openai {
namespace {

constexpr std::size_t kMaxFunctionNameBytes = 64;

std::string item_path(std::string_view list, std::size_t index) { return fmt::format("{}[{}]", list, index); }

bool is_function_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= kMaxFunctionNameBytes &&
         std::all_of(name.begin(), name.end(), allowed);
}

// Content as one text. Parts are joined by newlines.
result<std::string> read_content(const json::value& content, const std::string& path) {
  if (content.is_string()) return std::string(content.get_string());
  const auto wrong = [&](std::string message, const std::string& where) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' {}.", where, message), where);
  };
  if (!content.is_array()) {
    return wrong(fmt::format("must be a string or an array of parts, not {}", type_name(content)), path);
  }
  std::string text;
  for (std::size_t i = 0; i < content.get_array().size(); ++i) {
    const auto& part = content.get_array()[i];
    const auto where = item_path(path, i);
    if (!part.is_object()) return wrong(fmt::format("must be an object, not {}", type_name(part)), where);
    Fields fields(part.get_object(), where);
    std::string type;
    fields.read("type", type);
    if (fields.error()) return fail(*fields.error());
    if (type == "refusal") continue;
    if (type != "text") {
      return wrong(fmt::format("is '{}': this model reads text only", type.substr(0, 64)), where + ".type");
    }
    if (fields.find("text") == nullptr) return wrong("is required", where + ".text");
    std::string part_text;
    fields.read("text", part_text);
    if (fields.error()) return fail(*fields.error());
    if (i > 0) text += '\n';
    text += part_text;
  }
  return text;
}

result<json::array> read_tool_calls(const json::array& calls, const std::string& path) {
  json::array out;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto where = item_path(path, i);
    const auto wrong = [&](std::string_view name, std::string_view message) {
      auto field = name.empty() ? where : fmt::format("{}.{}", where, name);
      return fail(ErrorCode::invalid_argument, fmt::format("'{}' {}.", field, message), field);
    };
    if (!calls[i].is_object()) return wrong("", "must be an object");
    Fields call(calls[i].get_object(), where);
    std::string id;
    std::string type = "function";
    call.read("id", id);
    call.read("type", type);
    const auto* function = call.object("function");
    if (call.error()) return fail(*call.error());
    if (type != "function") return wrong("type", "must be 'function'");
    if (function == nullptr) return wrong("function", "is required");
    Fields inner(*function, where + ".function");
    std::string name;
    std::string arguments;
    inner.read("name", name);
    inner.read("arguments", arguments);
    if (inner.error()) return fail(*inner.error());
    if (name.empty()) return wrong("function.name", "is required");
    out.push_back(
        {{"id", id}, {"type", "function"}, {"function", {{"name", name}, {"arguments", arguments}}}});
  }
  return out;
}

result<json::object> read_message(const json::value& value, const std::string& path) {
  const auto wrong = [&](std::string_view name, std::string message) {
    auto field = name.empty() ? path : fmt::format("{}.{}", path, name);
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' {}.", field, message), field);
  };
  if (!value.is_object()) return wrong("", fmt::format("must be an object, not {}", type_name(value)));
  Fields fields(value.get_object(), path);
  std::string role;
  std::string name;
  std::string tool_call_id;
  std::string reasoning;
  fields.read("role", role);
  fields.read("name", name);
  fields.read("tool_call_id", tool_call_id);
  fields.read("reasoning_content", reasoning);
  const auto* tool_calls = fields.array("tool_calls");
  if (fields.error()) return fail(*fields.error());

  constexpr std::array<std::string_view, 5> kRoles{"system", "developer", "user", "assistant", "tool"};
  if (role.empty()) return wrong("role", "is required");
  if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end()) {
    return wrong("role", "must be system, developer, user, assistant or tool");
  }
  json::object message;
  message["role"] = role == "developer" ? "system" : role;
  if (const auto* content = fields.find("content")) {
    auto text = read_content(*content, fields.path_of("content"));
    if (!text) return fail(text.error());
    message["content"] = *text;
  } else if (role == "assistant" && tool_calls != nullptr && !tool_calls->empty()) {
    message["content"] = nullptr;
  } else {
    return wrong("content", "is required");
  }
  if (!name.empty()) message["name"] = name;
  if (!reasoning.empty()) message["reasoning_content"] = reasoning;
  if (role == "tool") {
    if (tool_call_id.empty()) return wrong("tool_call_id", "is required in a message of role tool");
    message["tool_call_id"] = tool_call_id;
  }
  if (tool_calls != nullptr && !tool_calls->empty()) {
    if (role != "assistant") return wrong("tool_calls", "is only allowed in messages of role assistant");
    auto calls = read_tool_calls(*tool_calls, fields.path_of("tool_calls"));
    if (!calls) return fail(calls.error());
    message["tool_calls"] = std::move(*calls);
  }
  return message;
}

// The function's name in {"type":"function","function":{"name":…}}; the object itself in `function`.
result<std::string> function_name(const json::value& value, const std::string& path,
                                  const json::object** function) {
  if (!value.is_object()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' must be an object, not {}.", path, type_name(value)), path);
  }
  Fields fields(value.get_object(), path);
  std::string type = "function";
  fields.read("type", type);
  if (type != "function") fields.refuse("type", "must be 'function'");
  *function = fields.object("function");
  if (*function == nullptr) fields.refuse("function", "is required");
  if (fields.error()) return fail(*fields.error());
  Fields inner(**function, path + ".function");
  std::string name;
  inner.read("name", name);
  if (!is_function_name(name)) inner.refuse("name", "must be 1 to 64 letters, digits, '_', '-' or '.'");
  if (inner.error()) return fail(*inner.error());
  return name;
}

}  // namespace

result<std::string> read_messages(const json::array& messages) {
  if (messages.empty()) {
    return fail(ErrorCode::invalid_argument, "'messages' must hold at least one message.", "messages");
  }
  json::array out;
  out.reserve(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    auto message = read_message(messages[i], item_path("messages", i));
    if (!message) return fail(message.error());
    out.push_back(std::move(*message));
  }
  return json::serialize(out);
}

result<std::string> read_tools(const json::array& tools, std::size_t max_tools) {
  if (tools.size() > max_tools) {
    return fail(ErrorCode::invalid_argument, fmt::format("'tools' may hold at most {} tools.", max_tools),
                "tools");
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const auto path = item_path("tools", i);
    const json::object* function = nullptr;
    auto name = function_name(tools[i], path, &function);
    if (!name) return fail(name.error());
    if (std::find(names.begin(), names.end(), *name) != names.end()) {
      return fail(ErrorCode::invalid_argument, fmt::format("'{}' repeats the name '{}'.", path, *name), path);
    }
    names.push_back(std::move(*name));
    Fields inner(*function, path + ".function");
    std::string description;
    inner.read("description", description);
    inner.object("parameters");
    if (inner.error()) return fail(*inner.error());
  }
  return json::serialize(tools);
}

result<std::string> read_tool_choice(const json::value& choice, const json::array& tools) {
  const auto wrong = [](std::string message) {
    return fail(ErrorCode::invalid_argument, fmt::format("'tool_choice' {}.", message), "tool_choice");
  };
  if (choice.is_string()) {
    const std::string text(choice.get_string());
    if (text != "none" && text != "auto" && text != "required") {
      return wrong("must be none, auto, required or a function");
    }
    if (tools.empty() && text == "required") return wrong("is 'required', but there are no 'tools'");
    return text;
  }
  const json::object* function = nullptr;
  auto name = function_name(choice, "tool_choice", &function);
  if (!name) return fail(name.error());
  const bool known = std::any_of(tools.begin(), tools.end(), [&](const json::value& tool) {
    const json::object* candidate = nullptr;
    const auto candidate_name = function_name(tool, "tools", &candidate);
    return candidate_name && *candidate_name == *name;
  });
  if (!known) return wrong(fmt::format("names the function '{}', which is not among the 'tools'", *name));
  return json::serialize(choice);
}

}  // namespace sovereign::server::openai
