#include "server/openai/chat_deltas.h"

#include <cstdint>

#include "server/openai/json_text.h"
#include "server/openai/response_parts.h"

namespace sovereign::server::openai {
namespace {

// The part of `now` after `told`; empty when there is none. `told` then becomes `now`.
std::string gained(std::string& told, const std::string& now) {
  if (now.size() <= told.size() || now.compare(0, told.size(), told) != 0) return {};
  auto rest = now.substr(told.size());
  told = now;
  return rest;
}

}  // namespace

std::vector<std::string> ChatDeltas::advance(const engine::ChatMessage& message) {
  std::vector<std::string> deltas;
  const auto text_delta = [&](std::string_view name, std::string& told, const std::string& now) {
    const auto text = gained(told, now);
    if (text.empty()) return;
    std::string delta = "\"";
    delta += name;
    delta += "\":";
    append_json_string(delta, text);
    deltas.push_back(std::move(delta));
  };
  text_delta("reasoning_content", reasoning_, message.reasoning_content);
  text_delta("content", content_, message.content);

  for (std::uint32_t i = 0; i < message.tool_calls.size(); ++i) {
    const auto& call = message.tool_calls[i];
    const bool is_new = i == calls_.size();
    if (is_new && call.name.empty()) break;
    std::string delta = "\"tool_calls\":[{\"index\":";
    append_json_number(delta, i);
    if (is_new) {
      calls_.push_back(call.arguments);
      delta += ",\"id\":";
      append_json_string(delta, call.id.empty() ? make_id("call_") : call.id);
      delta += ",\"type\":\"function\",\"function\":{\"name\":";
      append_json_string(delta, call.name);
      delta += ",\"arguments\":";
      append_json_string(delta, call.arguments);
    } else {
      const auto arguments = gained(calls_[i], call.arguments);
      if (arguments.empty()) continue;
      delta += ",\"function\":{\"arguments\":";
      append_json_string(delta, arguments);
    }
    delta += "}}]";
    deltas.push_back(std::move(delta));
  }
  return deltas;
}

}  // namespace sovereign::server::openai
