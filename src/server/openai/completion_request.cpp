#include "server/openai/completion_request.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>

namespace sovereign::server::openai {
namespace {

bool is_token_array(const json::array& items) { return !items.empty() && items[0].is_number(); }

std::vector<engine::Token> read_tokens(Fields& fields, std::string_view name, const json::array& items,
                                       const RequestLimits& limits) {
  std::vector<engine::Token> tokens;
  tokens.reserve(items.size());
  for (const auto& item : items) {
    if (!item.is_int64() || item.get_int64() < 0 || item.get_int64() >= limits.vocabulary_size) {
      fields.refuse(name,
                    fmt::format("has an element that is not a token id below {}", limits.vocabulary_size));
      break;
    }
    tokens.push_back(static_cast<engine::Token>(item.get_int64()));
  }
  return tokens;
}

}  // namespace

std::vector<TextOrTokens> read_texts(Fields& fields, std::string_view name, std::size_t max_texts,
                                     const RequestLimits& limits) {
  std::vector<TextOrTokens> texts;
  const auto* value = fields.find(name);
  if (value == nullptr) {
    fields.refuse(name, "is required");
    return texts;
  }
  if (value->is_string()) {
    texts.emplace_back(std::string(value->get_string()));
    return texts;
  }
  if (!value->is_array()) {
    fields.refuse_type(name, "a string or an array", *value);
    return texts;
  }
  const auto& items = value->get_array();
  if (items.empty()) {
    fields.refuse(name, "must not be an empty array");
    return texts;
  }
  if (is_token_array(items)) {
    texts.emplace_back(read_tokens(fields, name, items, limits));
    return texts;
  }
  if (items.size() > max_texts) {
    fields.refuse(name, fmt::format("may hold at most {} elements", max_texts));
    return texts;
  }
  for (const auto& item : items) {
    if (item.is_string()) {
      texts.emplace_back(std::string(item.get_string()));
    } else if (item.is_array() && is_token_array(item.get_array())) {
      texts.emplace_back(read_tokens(fields, name, item.get_array(), limits));
    } else {
      fields.refuse_type(name, "made of strings, token ids or non-empty arrays of token ids", item);
      break;
    }
  }
  return texts;
}

result<CompletionRequest> parse_completion_request(std::string_view body, const RequestLimits& limits) {
  auto object = parse_object(body);
  if (!object) return fail(object.error());
  Fields fields(*object);
  CompletionRequest request;
  auto& options = request.options;
  options = read_generation_options(fields, limits);
  request.prompts = read_texts(fields, "prompt", limits.max_prompts, limits);
  fields.read("echo", request.echo);
  if (!read_max_tokens(fields, "max_tokens", true, options)) options.max_tokens = kDefaultCompletionTokens;

  std::optional<std::int64_t> logprobs;
  fields.read("logprobs", logprobs, 0, limits.max_top_logprobs);
  if (logprobs) {
    options.sampling.top_logprobs = static_cast<std::int32_t>(*logprobs);
    if (request.echo) fields.refuse("logprobs", "is not available together with 'echo'");
  }
  std::string suffix;
  fields.read("suffix", suffix);
  if (!suffix.empty()) fields.refuse("suffix", "is not supported");
  std::optional<std::int64_t> best_of;
  fields.read("best_of", best_of, 1, limits.max_choices);
  if (best_of && *best_of != options.n) fields.refuse("best_of", "is only supported when it equals 'n'");
  if (fields.error()) return fail(*fields.error());
  return request;
}

}  // namespace sovereign::server::openai
