#include "gateway/openai/chat_body.h"

#include <boost/json/value.hpp>

#include "gateway/openai/body_fields.h"

namespace sovereign::gateway {

outcome<std::string> render_chat_body(const GenerateRequest& request, const Dialect& dialect) {
  const auto unsupported = [](std::string message, std::string where) {
    return tl::unexpected<Failure>({ErrorCode::unsupported, std::move(message), std::move(where)});
  };
  BodyFields body;
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
    body.value("n", request.n);
  }
  add_limits(request.max_tokens, request.stop, body);
  if (!request.named && !request.sampling.logit_bias.empty()) {
    return unsupported(
        "'logit_bias' names tokens of a vocabulary: name the model that it is for, in 'model'.",
        "logit_bias");
  }
  add_sampling(request.sampling, request.ignore_eos, dialect, body);
  add_streaming(body);
  return body.take();
}

}  // namespace sovereign::gateway
