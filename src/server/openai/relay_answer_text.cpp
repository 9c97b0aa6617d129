#include "server/openai/relay_answer_text.h"

#include <algorithm>

#include "gateway/openai/json_members.h"
#include "server/openai/json_text.h"

namespace sovereign::server::openai {

std::string relayed_body(std::string_view json, std::string_view model) {
  std::string name;
  append_json_string(name, model);
  return gateway::replace_member(json, "model", name);
}

std::string relayed_event(std::string_view json, std::string_view model) {
  std::string event = relayed_body(json, model);
  // In JSON line ends stand between tokens only.
  std::replace_if(
      event.begin(), event.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return event;
}

}  // namespace sovereign::server::openai
