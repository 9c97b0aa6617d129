// From OpenAI-style messages to a prompt, and from the model's text back to a message.
//
// The model's own chat template (Jinja), tool-call formats and JSON-schema grammars are llama.cpp's
// `common` library; this is the one file pair that sees it, so that its headers and its exceptions
// stay here. JSON crosses this border as text.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/sampling_params.h"

namespace sovereign::engine {

class LlamaModel;

struct ChatToolCall {
  std::string id;  // made up by the parser where the model gives none
  std::string name;
  std::string arguments;  // JSON text, may be incomplete while streaming
};

struct ChatMessage {
  std::string content;
  std::string reasoning_content;
  std::vector<ChatToolCall> tool_calls;
};

struct ChatInput {
  std::string messages_json;         // OpenAI's `messages` array
  std::string tools_json;            // OpenAI's `tools` array; empty: none
  std::string tool_choice = "auto";  // auto, none, required, or {"type":"function",...} as JSON text
  bool parallel_tool_calls = false;
  std::string json_schema;  // schema that the content must match, JSON text; empty: none
  // What of the schema a grammar cannot say is passed over, not an error ("strict": false).
  bool schema_is_wish = false;
  std::string grammar;  // GBNF for the content; empty: none. Not with json_schema or tools.
  // What the template is told beside (llama-server's chat_template_kwargs): a JSON object of booleans,
  // numbers and words; empty: nothing.
  std::string template_arguments;
  // OpenAI's response_format that json_schema comes from, in the client's words (JSON text), for servers that
  // are asked in its place; empty: none.
  std::string response_format;
};

// How to read the output that the prompt leads to. Opaque; copyable, thread-safe when const.
class ChatSyntax;

struct ChatPrompt {
  std::string prompt;             // a template's output; tokens() tokenizes it
  std::vector<std::size_t> cuts;  // where clients' text would be read as a control token (control_text.h)
  Grammar grammar;
  std::vector<std::string> stop;  // stop strings of the format
  std::shared_ptr<const ChatSyntax> syntax;
  bool plain = false;  // the output is the content as it stands: parse() would change nothing
};

// Immutable after create(); render() and parse() are thread-safe.
class ChatFormat {
 public:
  // Uses `template_override` (Jinja source) when not empty, else the model's own template, else ChatML.
  static result<std::unique_ptr<ChatFormat>> create(const LlamaModel& model,
                                                    const std::string& template_override = {});
  ~ChatFormat();

  // Errors: invalid_argument naming the message or tool at fault (bad role, missing content, template
  // raised an exception, schema that cannot be a grammar), unsupported (template without tools).
  result<ChatPrompt> render(const ChatInput& input) const;

  // The prompt's tokens, in which only the template's own control tokens are such.
  std::vector<Token> tokens(const ChatPrompt& prompt) const;

  // Reads the model's text so far. `partial`: more may come, so incomplete markers are held back.
  // Text that does not follow the format comes back as plain content; parsing never fails.
  static ChatMessage parse(const ChatSyntax& syntax, std::string_view text, bool partial);

  // The template's source, part of what determines an answer.
  const std::string& template_source() const;

 private:
  struct Impl;
  result<ChatPrompt> render_marked(const ChatInput& input, const std::string& messages_json) const;
  explicit ChatFormat(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Whether prompts made by this template may say which day it is. At least: a word of the template's own that
// looks alike counts.
bool may_tell_date(std::string_view template_source);

// JSON schema (text) to a GBNF grammar. Errors: invalid_argument (no schema; what cannot be enforced, named,
// unless the schema is but a wish).
result<std::string> json_schema_to_gbnf(std::string_view schema, bool is_wish = false);

}  // namespace sovereign::engine
