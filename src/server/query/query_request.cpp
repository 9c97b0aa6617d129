#include "server/query/query_request.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "server/openai/cache_fields.h"
#include "server/openai/fields.h"

namespace sovereign::server {
namespace {

namespace json = boost::json;
using openai::Fields;

void read_document(const json::value& item, std::size_t index, Fields& fields,
                   std::vector<runtime::ContextItem>& context) {
  if (item.is_string()) {
    context.push_back({{}, std::string(item.get_string()), false});
    return;
  }
  const auto path = fmt::format("context[{}]", index);
  if (!item.is_object()) return fields.refuse_type(path, "a string or an object", item);
  Fields parts(item.get_object(), path);
  runtime::ContextItem document;
  parts.read("title", document.title);
  parts.read("text", document.text);
  if (document.text.empty()) parts.refuse("text", "is required");
  if (parts.error()) return fields.refuse(*parts.error());
  context.push_back(std::move(document));
}

void read_context(Fields& fields, std::vector<runtime::ContextItem>& context) {
  const auto* value = fields.find("context");
  if (value == nullptr) return;
  const bool is_list = value->is_array();
  if (!is_list && !value->is_object()) {
    return fields.refuse_type("context", "an array of documents, or an object of values", *value);
  }
  const std::size_t count = is_list ? value->get_array().size() : value->get_object().size();
  if (count > kMaxContextItems) {
    return fields.refuse("context", fmt::format("may hold at most {} items", kMaxContextItems));
  }
  if (is_list) {
    std::size_t index = 0;
    for (const auto& item : value->get_array()) read_document(item, index++, fields, context);
    return;
  }
  for (const auto& entry : value->get_object()) {
    const auto& held = entry.value();
    // A string stands as it is; anything else as JSON.
    std::string text = held.is_string() ? std::string(held.get_string()) : json::serialize(held);
    context.push_back({std::string(entry.key().data(), entry.key().size()), std::move(text), true});
  }
}

}  // namespace

result<QueryRequest> parse_query_request(std::string_view body, const openai::RequestLimits& limits) {
  auto object = openai::parse_object(body);
  if (!object) return fail(object.error());
  Fields fields(*object);
  auto options = openai::read_generation_options(fields, limits);
  if (options.n != 1) fields.refuse("n", "must be 1: a query has one answer");
  openai::read_max_tokens(fields, "max_tokens", false, options);
  if (fields.find("temperature") == nullptr) options.sampling.temperature = 0;

  QueryRequest request;
  runtime::SovereignQuery& query = request.query;
  fields.read("id", query.id);
  fields.read("content", query.content);
  if (query.content.empty()) fields.refuse("content", "is required");
  fields.read("system", query.system);
  read_context(fields, query.context);
  std::optional<std::int64_t> depth;
  fields.read("max_depth", depth, 0, kMaxDepth);
  query.max_depth = static_cast<std::uint32_t>(depth.value_or(0));
  fields.read("require_reasoning", query.require_reasoning);
  query.cache = openai::read_cache_policy(fields);
  fields.read("receipt", request.receipt);
  request.routing = openai::read_routing_fields(fields);
  query.require_local = request.routing.require_local;
  if (fields.error()) return fail(*fields.error());

  request.model = std::move(options.model);
  request.stream = options.stream;
  request.timeout = options.timeout;
  query.chat.json_schema = std::move(options.json_schema);
  query.chat.schema_is_wish = options.schema_is_wish;
  query.chat.response_format = std::move(options.response_format);
  query.chat.grammar = std::move(options.sampling.grammar.gbnf);
  options.sampling.grammar = {};
  query.max_tokens = options.max_tokens;
  query.stop = std::move(options.stop);
  query.ignore_eos = options.ignore_eos;
  query.sampling = std::move(options.sampling);
  query.given = options.given;
  query.whole = !options.stream;
  return request;
}

}  // namespace sovereign::server
