#include "gateway/openai/body_fields.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>

namespace sovereign::gateway {

namespace json = boost::json;

namespace {

// As short as the float is, not as long as its double.
json::value decimal(float value) { return std::round(static_cast<double>(value) * 1e6) / 1e6; }

}  // namespace

void BodyFields::text(std::string_view name, std::string_view value) {
  raw(name, json::serialize(json::string_view(value.data(), value.size())));
}

void BodyFields::value(std::string_view name, const json::value& value) { raw(name, json::serialize(value)); }

void BodyFields::raw(std::string_view name, std::string_view value) {
  out_ += ",\"";
  out_ += name;
  out_ += "\":";
  out_ += value;
}

void add_limits(std::uint32_t max_tokens, const std::vector<std::string>& stop, BodyFields& body) {
  if (max_tokens > 0) body.value("max_tokens", max_tokens);
  if (stop.empty()) return;
  json::array list;
  for (const std::string& text : stop) list.emplace_back(text);
  body.value("stop", list);
}

void add_sampling(const engine::SamplingParams& sampling, bool ignore_eos, const Dialect& dialect,
                  BodyFields& body) {
  // What is greedy here must be greedy there, whether or not the server knows top_k.
  body.value("temperature", sampling.greedy() ? json::value(0) : decimal(sampling.temperature));
  const bool say = dialect.always_said;
  const auto knob = [&](std::string_view name, bool off, const json::value& value) {
    if (!name.empty() && (say || !off)) body.value(name, value);
  };
  knob("top_p", sampling.top_p >= 1, decimal(sampling.top_p));
  if (sampling.top_k > 0 || dialect.top_k_off) {
    knob(dialect.top_k, sampling.top_k <= 0, sampling.top_k > 0 ? sampling.top_k : *dialect.top_k_off);
  }
  knob(dialect.min_p, sampling.min_p <= 0, decimal(sampling.min_p));
  knob(dialect.typical_p, sampling.typical_p >= 1, decimal(sampling.typical_p));
  knob(dialect.repeat_penalty, sampling.repeat_penalty == 1.0F, decimal(sampling.repeat_penalty));
  if (sampling.repeat_penalty != 1.0F && !dialect.repeat_last_n.empty()) {
    body.value(dialect.repeat_last_n, sampling.penalty_last_n);
  }
  if (sampling.frequency_penalty != 0) body.value("frequency_penalty", decimal(sampling.frequency_penalty));
  if (sampling.presence_penalty != 0) body.value("presence_penalty", decimal(sampling.presence_penalty));
  if (sampling.seed) body.value("seed", *sampling.seed);
  if (ignore_eos && !dialect.ignore_eos.empty()) body.raw(dialect.ignore_eos, "true");
  if (sampling.top_logprobs >= 0) {
    body.raw("logprobs", "true");
    body.value("top_logprobs", sampling.top_logprobs);
  }
  if (sampling.logit_bias.empty()) return;
  json::object biases;
  for (const auto& [token, bias] : sampling.logit_bias) {
    biases[std::to_string(token)] = std::isfinite(bias) ? decimal(bias) : json::value(-100);
  }
  body.value("logit_bias", biases);
}

void add_streaming(BodyFields& body) {
  body.raw("stream", "true");
  body.raw("stream_options", R"({"include_usage":true})");
}

std::string complete_body(std::string_view model, std::string_view rest) {
  std::string body = "{\"model\":";
  body += json::serialize(json::string_view(model.data(), model.size()));
  body += rest;
  return body;
}

}  // namespace sovereign::gateway
