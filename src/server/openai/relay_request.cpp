#include "server/openai/relay_request.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "gateway/openai/json_members.h"
#include "server/openai/generation_options.h"

namespace sovereign::server::openai {
namespace {

constexpr std::array<std::string_view, 7> kOwnFields = {"model", "timeout",   "tier",   "require_local",
                                                        "cache", "cache_ttl", "receipt"};

// A list of numbers, or a list that holds such lists.
bool holds_token_ids(const json::value* texts) {
  if (texts == nullptr || !texts->is_array()) return false;
  const auto& items = texts->get_array();
  return std::any_of(items.begin(), items.end(),
                     [](const json::value& item) { return item.is_number() || item.is_array(); });
}

}  // namespace

result<RelayRequest> read_relay_request(std::string_view body, gateway::ApiRoute route) {
  const auto object = parse_object(body);
  if (!object) return fail(object.error());
  Fields fields(*object);
  RelayRequest request;
  fields.read("model", request.model);
  request.routing = read_routing_fields(fields);
  request.timeout = read_timeout(fields);
  const bool is_text = route == gateway::ApiRoute::completions;
  if (is_text) fields.read("stream", request.stream);
  if (fields.error()) return fail(*fields.error());
  const std::string texts = is_text ? "prompt" : "input";
  if (holds_token_ids(fields.find(texts))) {
    request.names_tokens = texts;
  } else if (is_text && fields.find("logit_bias") != nullptr) {
    request.names_tokens = "logit_bias";
  }
  return request;
}

std::shared_ptr<const gateway::Relay> make_relay(std::string_view body, const RelayRequest& request,
                                                 gateway::ApiRoute route) {
  auto relay = std::make_shared<gateway::Relay>();
  relay->route = route;
  relay->stream = request.stream;
  relay->rest.reserve(body.size());
  for (const auto& member : gateway::json_members(body).value_or(std::vector<gateway::JsonMember>())) {
    if (std::find(kOwnFields.begin(), kOwnFields.end(), member.name) != kOwnFields.end()) continue;
    relay->rest += ',';
    relay->rest += member.key;
    relay->rest += ':';
    relay->rest += member.value;
  }
  relay->rest += '}';
  return relay;
}

}  // namespace sovereign::server::openai
