#include "server/openai/generation_options.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <limits>

namespace sovereign::server::openai {
namespace {

void read_stop(Fields& fields, const RequestLimits& limits, GenerationOptions& options) {
  const auto* value = fields.find("stop");
  if (value == nullptr) return;
  const auto add = [&](const json::value& item) {
    if (!item.is_string()) return fields.refuse_type("stop", "a string or an array of strings", item);
    const auto& text = item.get_string();
    if (text.size() > limits.max_stop_bytes) {
      return fields.refuse("stop", fmt::format("has a string longer than {} bytes", limits.max_stop_bytes));
    }
    if (!text.empty()) options.stop.emplace_back(text.data(), text.size());  // empty would stop at once
  };
  if (!value->is_array()) return add(*value);
  if (value->get_array().size() > limits.max_stop_strings) {
    return fields.refuse("stop", fmt::format("may hold at most {} strings", limits.max_stop_strings));
  }
  for (const auto& item : value->get_array()) add(item);
}

void read_logit_bias(Fields& fields, const RequestLimits& limits, GenerationOptions& options) {
  const auto* biases = fields.object("logit_bias");
  if (biases == nullptr) return;
  if (biases->size() > limits.max_logit_bias) {
    return fields.refuse("logit_bias", fmt::format("may hold at most {} tokens", limits.max_logit_bias));
  }
  Fields entries(*biases, "logit_bias");
  for (const auto& entry : *biases) {
    const std::string_view key(entry.key().data(), entry.key().size());
    engine::Token token = engine::kNoToken;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    if (error != std::errc() || end != key.data() + key.size() || token < 0 ||
        static_cast<std::uint32_t>(token) >= limits.vocabulary_size) {
      return fields.refuse("logit_bias", fmt::format("has the key '{}', which is not a token id below {}",
                                                     key.substr(0, 32), limits.vocabulary_size));
    }
    float bias = 0;
    entries.read(key, bias, -100, 100);
    if (entries.error()) return fields.refuse(*entries.error());
    // OpenAI: -100 bans a token.
    if (bias <= -100.0F) bias = -std::numeric_limits<float>::infinity();
    options.sampling.logit_bias.emplace_back(token, bias);
  }
}

void read_seed(Fields& fields, GenerationOptions& options) {
  std::optional<std::int64_t> seed;
  fields.read("seed", seed, std::numeric_limits<std::int64_t>::min(),
              std::numeric_limits<std::int64_t>::max());
  if (!seed || *seed == -1) return;  // -1 asks llama-server for a fresh one
  const auto bits = static_cast<std::uint64_t>(*seed);
  options.sampling.seed = static_cast<std::uint32_t>(bits ^ (bits >> 32));
}

// OpenAI's response_format; llama-server's json_schema beside it.
void read_output_format(Fields& fields, GenerationOptions& options) {
  if (const auto* schema = fields.find("json_schema")) {
    if (!schema->is_object()) return fields.refuse_type("json_schema", "an object", *schema);
    options.json_schema = json::serialize(*schema);
    options.schema_is_wish = true;
  }
  const auto* format = fields.object("response_format");
  if (format == nullptr) return;
  Fields parts(*format, "response_format");
  std::string type;
  parts.read("type", type);
  if (type == "json_object") {
    const auto* schema = parts.object("schema");  // llama-server's
    options.json_schema = schema != nullptr ? json::serialize(*schema) : R"({"type":"object"})";
    // With a schema it is no longer OpenAI's.
    if (schema == nullptr) options.response_format = json::serialize(*format);
    options.schema_is_wish = true;
  } else if (type == "json_schema") {
    const auto* wrapper = parts.object("json_schema");
    if (wrapper == nullptr) {
      parts.refuse("json_schema", "is required when the type is json_schema");
    } else {
      Fields inner(*wrapper, "response_format.json_schema");
      const auto* schema = inner.object("schema");
      bool strict = false;
      inner.read("strict", strict);
      options.schema_is_wish = !strict;
      if (inner.error()) {
        parts.refuse(*inner.error());
      } else if (schema == nullptr) {
        inner.refuse("schema", "is required");
        parts.refuse(*inner.error());
      } else {
        options.json_schema = json::serialize(*schema);
        options.response_format = json::serialize(*format);
      }
    }
  } else if (type != "text") {
    parts.refuse("type", "must be text, json_object or json_schema");
  }
  if (parts.error()) fields.refuse(*parts.error());
}

}  // namespace

std::optional<std::chrono::milliseconds> read_timeout(Fields& fields) {
  float seconds = 0;
  fields.read("timeout", seconds, 0.001, 86'400);
  if (fields.find("timeout") == nullptr) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(seconds) * 1000));
}

bool read_max_tokens(Fields& fields, std::string_view name, bool allow_zero, GenerationOptions& options) {
  std::optional<std::int64_t> tokens;
  fields.read(name, tokens, -1, std::numeric_limits<std::int32_t>::max());
  if (!tokens) return false;
  options.given.max_tokens = true;
  if (*tokens == 0 && !allow_zero) fields.refuse(name, "must be at least 1");
  options.max_tokens = *tokens > 0 ? static_cast<std::uint32_t>(*tokens) : 0;
  options.empty_output = *tokens == 0;
  return true;
}

GenerationOptions read_generation_options(Fields& fields, const RequestLimits& limits) {
  GenerationOptions options;
  fields.read("model", options.model);
  fields.read("stream", options.stream);
  if (const auto* stream_options = fields.object("stream_options")) {
    Fields inner(*stream_options, "stream_options");
    inner.read("include_usage", options.include_usage);
    if (inner.error()) fields.refuse(*inner.error());
    if (!options.stream) fields.refuse("stream_options", "is only allowed when 'stream' is true");
  }
  const auto given = [&fields](std::string_view name) { return fields.find(name) != nullptr; };
  options.given = {given("temperature"),
                   given("top_p"),
                   given("min_p"),
                   given("typical_p"),
                   given("top_k"),
                   given("repeat_penalty"),
                   given("frequency_penalty"),
                   given("presence_penalty"),
                   false};
  std::optional<std::int64_t> number;
  fields.read("n", number, 1, limits.max_choices);
  options.n = static_cast<std::uint32_t>(number.value_or(1));

  auto& sampling = options.sampling;
  fields.read("temperature", sampling.temperature, 0, 2);
  fields.read("top_p", sampling.top_p, 0, 1);
  fields.read("min_p", sampling.min_p, 0, 1);
  fields.read("typical_p", sampling.typical_p, 0, 1);
  fields.read("frequency_penalty", sampling.frequency_penalty, -2, 2);
  fields.read("presence_penalty", sampling.presence_penalty, -2, 2);
  fields.read("repeat_penalty", sampling.repeat_penalty, 0.01, 10);
  number.reset();
  fields.read("top_k", number, -1, std::numeric_limits<std::int32_t>::max());
  sampling.top_k = static_cast<std::int32_t>(number.value_or(0));
  number.reset();
  fields.read("repeat_last_n", number, -1, limits.context_tokens);
  if (number)
    sampling.penalty_last_n = static_cast<std::int32_t>(*number == -1 ? limits.context_tokens : *number);
  read_seed(fields, options);
  read_logit_bias(fields, limits, options);
  read_stop(fields, limits, options);
  fields.read("ignore_eos", options.ignore_eos);
  options.timeout = read_timeout(fields);
  fields.read("grammar", sampling.grammar.gbnf);
  read_output_format(fields, options);
  if (!sampling.grammar.gbnf.empty() && !options.json_schema.empty()) {
    fields.refuse("grammar", "cannot be combined with a JSON schema");
  }
  return options;
}

}  // namespace sovereign::server::openai
