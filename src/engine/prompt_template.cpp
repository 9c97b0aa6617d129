#include "engine/prompt_template.h"

#include <chat.h>
#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "engine/chat_input.h"

namespace sovereign::engine {
namespace {

constexpr std::size_t kLongestToken = 64;  // bytes of a control token's text

// The length of what stands at the front, if it has a control token's shape: <|im_end|>, </s>, [INST].
std::size_t control_shape(std::string_view text) {
  if (text.empty() || (text.front() != '<' && text.front() != '[')) return 0;
  const char close = text.front() == '<' ? '>' : ']';
  const std::size_t end = text.substr(0, kLongestToken).find(close, 1);
  if (end == std::string_view::npos || end == 1) return 0;
  const auto inside = text.substr(1, end - 1);
  const auto letter = [](unsigned char c) { return std::isalpha(c) != 0; };
  const bool possible = std::all_of(inside.begin(), inside.end(), [&](unsigned char c) {
    return close == '>' ? std::isspace(c) == 0 : std::isalnum(c) != 0 || c == '_' || c == '/';
  });
  // [1] is none.
  const bool named = close == '>' || std::any_of(inside.begin(), inside.end(), letter);
  return possible && named ? end + 1 : 0;
}

bool may_hold_control(std::string_view text) {
  for (std::size_t at = text.find_first_of("<["); at != std::string_view::npos;
       at = text.find_first_of("<[", at + 1)) {
    if (control_shape(text.substr(at)) > 0) return true;
  }
  return false;
}

std::optional<std::string> apply(const std::string& name, const std::vector<llama_chat_message>& messages,
                                 bool begin_answer) {
  const auto run = [&](char* out, std::int32_t size) {
    return llama_chat_apply_template(name.c_str(), messages.data(), messages.size(), begin_answer, out, size);
  };
  const std::int32_t size = run(nullptr, 0);
  if (size <= 0) return std::nullopt;
  std::string prompt(static_cast<std::size_t>(size), '\0');
  run(prompt.data(), size);
  return prompt;
}

// What follows an answer in a conversation that goes on.
std::string turn_end_of(const std::string& name) {
  constexpr std::string_view kAnswer = "the answer";
  const auto text = apply(name, {{"user", "a question"}, {"assistant", kAnswer.data()}}, false);
  const std::size_t answer = text ? text->find(kAnswer) : std::string::npos;
  if (answer == std::string::npos) return {};
  std::string_view rest = std::string_view(*text).substr(answer + kAnswer.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(" \n"), rest.size()));
  return std::string(rest.substr(0, control_shape(rest)));
}

bool can_be_said(const common_chat_msg& message) {
  const bool known_role = message.role == "system" || message.role == "user" || message.role == "assistant";
  return known_role && message.tool_calls.empty() && message.content_parts.empty() &&
         message.reasoning_content.empty() && message.content.find('\0') == std::string::npos &&
         !may_hold_control(message.content);
}

}  // namespace

std::vector<std::string> PromptTemplate::names() {
  const std::int32_t count = llama_chat_builtin_templates(nullptr, 0);
  std::vector<const char*> names(static_cast<std::size_t>(std::max(count, 0)));
  llama_chat_builtin_templates(names.data(), names.size());
  return {names.begin(), names.end()};
}

result<PromptTemplate> PromptTemplate::find(const std::string& name) {
  const auto known = names();
  if (std::find(known.begin(), known.end(), name) != known.end()) {
    return PromptTemplate(name, turn_end_of(name));
  }
  std::string list;
  for (const std::string& each : known) list += (list.empty() ? "" : ", ") + each;
  return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not one of {}", name, list));
}

std::optional<std::string> PromptTemplate::render(const std::string& messages_json) const {
  const auto messages = parse_chat_messages(messages_json);
  if (!messages || messages->empty() || messages->back().role != "user") return std::nullopt;
  std::vector<llama_chat_message> plain;
  plain.reserve(messages->size());
  for (const common_chat_msg& message : *messages) {
    if (!can_be_said(message)) return std::nullopt;
    plain.push_back({message.role.c_str(), message.content.c_str()});
  }
  return apply(name_, plain, true);
}

}  // namespace sovereign::engine
