#include "server/openai/chat_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "server/openai/cache_fields.h"
#include "server/openai/chat_messages.h"

namespace sovereign::server::openai {
namespace {

void read_messages_and_tools(Fields& fields, const RequestLimits& limits, engine::ChatInput& input) {
  const auto* messages = fields.array("messages");
  if (messages == nullptr) return fields.refuse("messages", "is required");
  auto messages_text = read_messages(*messages);
  if (!messages_text) return fields.refuse(messages_text.error());
  input.messages_json = std::move(*messages_text);

  for (const auto* old : {"functions", "function_call"}) {
    if (fields.find(old) != nullptr) fields.refuse(old, "was replaced by 'tools' and 'tool_choice'");
  }
  const auto* tools = fields.array("tools");
  if (tools != nullptr && !tools->empty()) {
    auto tools_text = read_tools(*tools, limits.max_tools);
    if (!tools_text) return fields.refuse(tools_text.error());
    input.tools_json = std::move(*tools_text);
    input.parallel_tool_calls = true;  // OpenAI's default
  }
  if (const auto* choice = fields.find("tool_choice")) {
    auto text = read_tool_choice(*choice, tools != nullptr ? *tools : json::array{});
    if (!text) return fields.refuse(text.error());
    input.tool_choice = std::move(*text);
  }
  fields.read("parallel_tool_calls", input.parallel_tool_calls);
}

// Told to the template as they are, so that they must not spell control tokens.
bool is_word(std::string_view text) {
  constexpr std::string_view kOthers = " _-.,:/+";
  return text.size() <= 64 && std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  kOthers.find(c) != std::string_view::npos;
         });
}

// llama-server's and vLLM's way to switch a model's thinking off, among others.
void read_template_arguments(Fields& fields, engine::ChatInput& input) {
  constexpr std::size_t kMost = 32;
  const auto* arguments = fields.object("chat_template_kwargs");
  if (arguments == nullptr || arguments->empty()) return;
  if (arguments->size() > kMost) {
    return fields.refuse("chat_template_kwargs", fmt::format("must have at most {} members", kMost));
  }
  for (const auto& [name, value] : *arguments) {
    const bool plain = value.is_bool() || value.is_number() ||
                       (value.is_string() && is_word({value.get_string().data(), value.get_string().size()}));
    if (plain && is_word({name.data(), name.size()})) continue;
    return fields.refuse("chat_template_kwargs",
                         "must hold booleans, numbers and words of at most 64 letters, digits and _-.,:/+");
  }
  input.template_arguments = json::serialize(*arguments);
}

void read_logprobs(Fields& fields, const RequestLimits& limits, engine::SamplingParams& sampling) {
  bool wanted = false;
  fields.read("logprobs", wanted);
  std::optional<std::int64_t> top;
  fields.read("top_logprobs", top, 0, limits.max_top_logprobs);
  if (top && !wanted) fields.refuse("top_logprobs", "needs 'logprobs' to be true");
  if (wanted) sampling.top_logprobs = static_cast<std::int32_t>(top.value_or(0));
}

}  // namespace

result<ChatRequest> parse_chat_request(std::string_view body, const RequestLimits& limits) {
  auto object = parse_object(body);
  if (!object) return fail(object.error());
  Fields fields(*object);
  ChatRequest request;
  request.options = read_generation_options(fields, limits);
  read_messages_and_tools(fields, limits, request.input);
  read_template_arguments(fields, request.input);
  request.cache = read_cache_policy(fields);
  fields.read("receipt", request.receipt);
  request.routing = read_routing_fields(fields);
  read_logprobs(fields, limits, request.options.sampling);
  if (!read_max_tokens(fields, "max_completion_tokens", false, request.options)) {
    read_max_tokens(fields, "max_tokens", false, request.options);
  }
  request.input.json_schema = std::move(request.options.json_schema);
  request.input.schema_is_wish = request.options.schema_is_wish;
  request.input.response_format = std::move(request.options.response_format);
  request.input.grammar = std::move(request.options.sampling.grammar.gbnf);
  request.options.json_schema.clear();
  request.options.sampling.grammar.gbnf.clear();
  const bool may_call = !request.input.tools_json.empty() && request.input.tool_choice != "none";
  if (may_call && !request.input.grammar.empty()) fields.refuse("grammar", "cannot be combined with 'tools'");
  if (fields.error()) return fail(*fields.error());
  return request;
}

void move_into_query(ChatRequest& request, runtime::SovereignQuery& query) {
  query.chat = std::move(request.input);
  query.n = request.options.n;
  query.max_tokens = request.options.max_tokens;
  query.stop = std::move(request.options.stop);
  query.ignore_eos = request.options.ignore_eos;
  query.sampling = std::move(request.options.sampling);
  query.given = request.options.given;
  query.whole = !request.options.stream;
  query.cache = request.cache;
  query.require_local = request.routing.require_local;
}

}  // namespace sovereign::server::openai
