#include "gateway/openai/chat_body.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>

namespace sovereign::gateway {
namespace {

namespace json = boost::json;

class Body {
 public:
  void text(std::string_view name, std::string_view value) {
    raw(name, json::serialize(json::string_view(value.data(), value.size())));
  }
  void number(std::string_view name, const json::value& value) { raw(name, json::serialize(value)); }
  // `value` is JSON already.
  void raw(std::string_view name, std::string_view value) {
    out_ += ",\"";
    out_ += name;
    out_ += "\":";
    out_ += value;
  }
  std::string take() { return std::move(out_) + '}'; }

 private:
  std::string out_;
};

// As short as the float is, not as long as its double.
json::value decimal(float value) { return std::round(static_cast<double>(value) * 1e6) / 1e6; }

void add_sampling(const engine::SamplingParams& sampling, bool ignore_eos, const Dialect& dialect,
                  Body& body) {
  // What is greedy here must be greedy there, whether or not the server knows top_k.
  body.number("temperature", sampling.greedy() ? json::value(0) : decimal(sampling.temperature));
  const bool say = dialect.always_said;
  const auto knob = [&](std::string_view name, bool off, const json::value& value) {
    if (!name.empty() && (say || !off)) body.number(name, value);
  };
  knob("top_p", sampling.top_p >= 1, decimal(sampling.top_p));
  knob(dialect.top_k, sampling.top_k <= 0, sampling.top_k <= 0 ? 0 : sampling.top_k);
  knob(dialect.min_p, sampling.min_p <= 0, decimal(sampling.min_p));
  knob(dialect.typical_p, sampling.typical_p >= 1, decimal(sampling.typical_p));
  knob(dialect.repeat_penalty, sampling.repeat_penalty == 1.0F, decimal(sampling.repeat_penalty));
  if (sampling.repeat_penalty != 1.0F && !dialect.repeat_last_n.empty()) {
    body.number(dialect.repeat_last_n, sampling.penalty_last_n);
  }
  if (sampling.frequency_penalty != 0) body.number("frequency_penalty", decimal(sampling.frequency_penalty));
  if (sampling.presence_penalty != 0) body.number("presence_penalty", decimal(sampling.presence_penalty));
  if (sampling.seed) body.number("seed", *sampling.seed);
  if (ignore_eos && !dialect.ignore_eos.empty()) body.raw(dialect.ignore_eos, "true");
  if (sampling.top_logprobs >= 0) {
    body.raw("logprobs", "true");
    body.number("top_logprobs", sampling.top_logprobs);
  }
  if (sampling.logit_bias.empty()) return;
  json::object biases;
  for (const auto& [token, bias] : sampling.logit_bias) {
    biases[std::to_string(token)] = std::isfinite(bias) ? decimal(bias) : json::value(-100);
  }
  body.number("logit_bias", biases);
}

}  // namespace

outcome<std::string> render_chat_body(const GenerateRequest& request, const Dialect& dialect) {
  const auto unsupported = [](std::string message, std::string where) {
    return tl::unexpected<Failure>({ErrorCode::unsupported, std::move(message), std::move(where)});
  };
  Body body;
  body.raw("messages", request.input.messages_json);
  if (!request.input.tools_json.empty()) {
    body.raw("tools", request.input.tools_json);
    const std::string& choice = request.input.tool_choice;
    if (choice.starts_with('{')) {
      body.raw("tool_choice", choice);
    } else if (!choice.empty() && choice != "auto") {
      body.text("tool_choice", choice);
    }
    if (!request.input.parallel_tool_calls) body.raw("parallel_tool_calls", "false");
  }
  if (!request.input.response_format.empty()) {
    body.raw("response_format", request.input.response_format);
  } else if (!request.input.json_schema.empty()) {
    body.raw("response_format",
             R"({"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":)" +
                 request.input.json_schema + "}}");
  }
  if (!request.input.grammar.empty()) {
    if (dialect.grammar.empty()) return unsupported("This backend knows no grammars.", "grammar");
    body.text(dialect.grammar, request.input.grammar);
  }
  if (!request.input.template_arguments.empty() && !dialect.template_arguments.empty()) {
    body.raw(dialect.template_arguments, request.input.template_arguments);
  }
  if (request.n != 1) {
    if (!dialect.several_choices) return unsupported("This backend gives one choice only.", "n");
    body.number("n", request.n);
  }
  if (request.max_tokens > 0) body.number("max_tokens", request.max_tokens);
  if (!request.stop.empty()) {
    json::array stop;
    for (const std::string& text : request.stop) stop.emplace_back(text);
    body.number("stop", stop);
  }
  if (!request.named && !request.sampling.logit_bias.empty()) {
    return unsupported(
        "'logit_bias' names tokens of a vocabulary: name the model that it is for, in 'model'.",
        "logit_bias");
  }
  add_sampling(request.sampling, request.ignore_eos, dialect, body);
  body.raw("stream", "true");
  body.raw("stream_options", R"({"include_usage":true})");
  return body.take();
}

std::string complete_body(std::string_view model, std::string_view rest) {
  std::string body = "{\"model\":";
  body += json::serialize(json::string_view(model.data(), model.size()));
  body += rest;
  return body;
}

}  // namespace sovereign::gateway
