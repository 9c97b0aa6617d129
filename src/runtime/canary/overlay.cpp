#include "runtime/canary/overlay.h"

#include <boost/json.hpp>
#include <system_error>

namespace sovereign::runtime {
namespace {

namespace json = boost::json;

// A conversation whose first message is the system's gets the text before that one's; else a message more.
std::string with_system(const std::string& messages_json, const std::string& text) {
  std::error_code error;
  json::value messages = json::parse(messages_json, error);
  if (error || !messages.is_array()) return messages_json;
  auto& list = messages.get_array();
  if (!list.empty() && list.front().is_object()) {
    auto& first = list.front().get_object();
    const auto* role = first.if_contains("role");
    auto* content = first.if_contains("content");
    if (role != nullptr && *role == "system" && content != nullptr && content->is_string()) {
      *content = text + "\n\n" + std::string(content->get_string());
      return json::serialize(messages);
    }
  }
  list.insert(list.begin(), json::object{{"role", "system"}, {"content", text}});
  return json::serialize(messages);
}

template <class Default, class Stored>
void fill(const std::optional<Default>& value, bool given, Stored& stored) {
  if (value && !given) stored = static_cast<Stored>(*value);
}

}  // namespace

void apply_overlay(const CanaryOverlay& overlay, SovereignQuery& query) {
  const GivenFields& given = query.given;
  engine::SamplingParams& sampling = query.sampling;
  fill(overlay.temperature, given.temperature, sampling.temperature);
  fill(overlay.top_p, given.top_p, sampling.top_p);
  fill(overlay.min_p, given.min_p, sampling.min_p);
  fill(overlay.typical_p, given.typical_p, sampling.typical_p);
  fill(overlay.repeat_penalty, given.repeat_penalty, sampling.repeat_penalty);
  fill(overlay.frequency_penalty, given.frequency_penalty, sampling.frequency_penalty);
  fill(overlay.presence_penalty, given.presence_penalty, sampling.presence_penalty);
  fill(overlay.top_k, given.top_k, sampling.top_k);
  fill(overlay.max_tokens, given.max_tokens, query.max_tokens);
  if (overlay.system.empty()) return;
  if (query.content.empty()) {
    query.chat.messages_json = with_system(query.chat.messages_json, overlay.system);
  } else {
    query.system = query.system.empty() ? overlay.system : overlay.system + "\n\n" + query.system;
  }
}

}  // namespace sovereign::runtime
