#include "engine/chat_format.h"

#include <chat.h>
#include <fmt/format.h>
#include <json-schema-to-grammar.h>
#include <log.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <mutex>
#include <random>
#include <variant>

#include "engine/chat_input.h"
#include "engine/control_text.h"
#include "engine/llama_model.h"
#include "engine/schema_check.h"
#include "engine/tool_template.h"

namespace sovereign::engine {

class ChatSyntax {
 public:
  common_chat_parser_params params;
  bool plain = false;          // no markers: the text is the content
  bool single_call = false;    // grammars of `common` may allow more calls than were asked for
  std::string call_id_prefix;  // ids must stay the same from one parse of a stream to the next
};

namespace {

// `common` has a log of its own, which would print users' text to stderr.
void quiet_common_log() {
  static std::once_flag once;
  std::call_once(once, [] { common_log_set_verbosity_thold(LOG_LEVEL_OUTPUT); });
}

tl::unexpected<Error> cannot_render(std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("the chat template refuses these messages: {}", why),
              "messages");
}

std::string escape_regex(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view(R"(.^$|()*+?[]{}\/-)").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string anchored(const std::string& pattern) {
  return (pattern.starts_with('^') ? "" : "^") + pattern + (pattern.ends_with('$') ? "" : "$");
}

// True when the only literal text that the parser knows is what ends the prompt: it then takes whatever
// the model writes as content.
bool reads_all_as_content(const common_chat_params& params) {
  if (params.supports_thinking || !params.grammar.empty() || !params.additional_stops.empty()) return false;
  if (params.parser.empty()) return true;
  common_peg_arena arena;
  arena.load(params.parser);
  for (std::size_t id = 0; id < arena.size(); ++id) {
    const auto& parser = arena.get(static_cast<common_peg_parser_id>(id));
    if (std::holds_alternative<common_peg_epsilon_parser>(parser) ||
        std::holds_alternative<common_peg_end_parser>(parser) ||
        std::holds_alternative<common_peg_sequence_parser>(parser)) {
      continue;
    }
    const auto* literal = std::get_if<common_peg_literal_parser>(&parser);
    if (literal != nullptr && literal->literal == params.generation_prompt) continue;
    const auto* until = std::get_if<common_peg_until_parser>(&parser);
    if (until != nullptr && until->delimiters.empty()) continue;
    const auto* tag = std::get_if<common_peg_tag_parser>(&parser);
    if (tag != nullptr && tag->tag == "content") continue;
    return false;
  }
  return true;
}

common_chat_templates_inputs base_inputs() {
  common_chat_templates_inputs inputs;
  inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
  return inputs;
}

void add_arguments(const ChatInput& input, common_chat_templates_inputs& inputs) {
  if (input.template_arguments.empty()) return;
  const common_json arguments = common_json::parse(input.template_arguments);
  for (const auto& [name, value] : arguments.items()) {
    inputs.chat_template_kwargs[name] = value.dump();
    if (name == "enable_thinking" && value.is_boolean()) inputs.enable_thinking = value.get<bool>();
  }
}

bool speaks_of_tools(const std::vector<common_chat_msg>& messages) {
  return std::any_of(messages.begin(), messages.end(), [](const auto& message) {
    return message.role == "tool" || !message.tool_calls.empty();
  });
}

// An absent or empty schema means: any object.
std::string object_schema(const std::string& schema) {
  const common_json parsed = common_json::parse(schema);
  return parsed.is_object() && parsed.empty() ? R"({"type":"object"})" : schema;
}

}  // namespace

struct ChatFormat::Impl {
  const LlamaModel* model = nullptr;
  common_chat_templates_ptr own;
  common_chat_templates_ptr with_tools;  // null: `own` knows tools itself, or nothing does
  bool own_knows_tools = false;
  bool own_is_plain = false;
  std::string source;
  std::unique_ptr<const ControlText> control;

  void convert_grammar(const common_chat_params& params, bool from_user, Grammar& grammar) const;
  result<ChatPrompt> render_plain(const ChatInput& input, std::vector<common_chat_msg> messages) const;
};

ChatFormat::ChatFormat(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChatFormat::~ChatFormat() = default;

const std::string& ChatFormat::template_source() const { return impl_->source; }

// What `common` gives to templates: a function, and the day as text under two names.
bool may_tell_date(std::string_view template_source) {
  for (const std::string_view name : {"strftime_now", "date_string", "datetime"}) {
    if (template_source.find(name) != std::string_view::npos) return true;
  }
  return false;
}

result<std::unique_ptr<ChatFormat>> ChatFormat::create(const LlamaModel& model,
                                                       const std::string& template_override) {
  quiet_common_log();
  auto impl = std::make_unique<Impl>();
  impl->model = &model;
  impl->control = std::make_unique<const ControlText>(model);
  try {
    impl->own = common_chat_templates_init(model.handle(), template_override);
    impl->source = common_chat_templates_source(impl->own.get());
    impl->own_knows_tools = common_chat_templates_get_caps(impl->own.get())["supports_tools"];
    if (!impl->own_knows_tools && impl->source.find("<|im_start|>") != std::string::npos) {
      impl->with_tools = common_chat_templates_init(model.handle(), kChatMlToolTemplate);
    }
    common_chat_templates_inputs inputs = base_inputs();
    inputs.messages.resize(1);
    inputs.messages[0].role = "user";
    inputs.messages[0].content = "Hello";
    impl->own_is_plain = reads_all_as_content(common_chat_templates_apply(impl->own.get(), inputs));
  } catch (const std::exception& error) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the chat template cannot be used: {}", error.what()), "chat_template");
  }
  return std::unique_ptr<ChatFormat>(new ChatFormat(std::move(impl)));
}

void ChatFormat::Impl::convert_grammar(const common_chat_params& params, bool from_user,
                                       Grammar& grammar) const {
  grammar.gbnf = params.grammar;
  grammar.lazy = params.grammar_lazy && !params.grammar.empty();
  for (const std::string& text : params.preserved_tokens) {
    const std::vector<Token> tokens = model->tokenize(text, false, true);
    if (tokens.size() == 1) grammar.visible_tokens.push_back(tokens.front());
  }
  for (const common_grammar_trigger& trigger : params.grammar_triggers) {
    switch (trigger.type) {
      case COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN: grammar.trigger_tokens.push_back(trigger.token); break;
      case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN: grammar.trigger_patterns.push_back(trigger.value); break;
      case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN_FULL:
        grammar.trigger_patterns.push_back(anchored(trigger.value));
        break;
      case COMMON_GRAMMAR_TRIGGER_TYPE_WORD: {
        const std::vector<Token> tokens = model->tokenize(trigger.value, false, true);
        const auto& visible = grammar.visible_tokens;
        if (tokens.size() == 1 &&
            std::find(visible.begin(), visible.end(), tokens.front()) != visible.end()) {
          grammar.trigger_tokens.push_back(tokens.front());
        } else {
          grammar.trigger_patterns.push_back(escape_regex(trigger.value));
        }
        break;
      }
    }
  }
  // Grammars made by the template's parser begin where the template's last message begins.
  if (grammar.gbnf.empty() || grammar.lazy || from_user) return;
  grammar.prefill = model->tokenize(params.generation_prompt, false, true);
  const auto starts_with_space = [](const std::string& text) {
    return !text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0;
  };
  // Some tokenizers put a space before the first special token, which the grammar does not expect.
  if (!grammar.prefill.empty() && starts_with_space(model->piece(grammar.prefill.front(), true)) &&
      !starts_with_space(params.generation_prompt)) {
    grammar.prefill.erase(grammar.prefill.begin());
  }
}

// Without tools and markers there is nothing to derive a parser for, which takes `common` milliseconds.
result<ChatPrompt> ChatFormat::Impl::render_plain(const ChatInput& input,
                                                  std::vector<common_chat_msg> messages) const {
  ChatPrompt prompt;
  prompt.plain = true;
  if (!input.json_schema.empty()) {
    auto gbnf = json_schema_to_gbnf(input.json_schema, input.schema_is_wish);
    if (!gbnf) return fail(gbnf.error());
    prompt.grammar.gbnf = std::move(*gbnf);
  } else {
    prompt.grammar.gbnf = input.grammar;
  }
  common_chat_templates_inputs inputs = base_inputs();
  inputs.messages = std::move(messages);
  inputs.force_pure_content = true;
  add_arguments(input, inputs);
  prompt.prompt = common_chat_templates_apply(own.get(), inputs).prompt;
  auto syntax = std::make_shared<ChatSyntax>();
  syntax->plain = true;
  prompt.syntax = std::move(syntax);
  return prompt;
}

result<ChatPrompt> ChatFormat::render(const ChatInput& input) const {
  if (!input.tools_json.empty() && impl_->control->is_in(input.tools_json)) {
    return fail(ErrorCode::invalid_argument, "tools hold the name of one of the model's control tokens",
                "tools");
  }
  const bool marked = impl_->control->is_in(input.messages_json);
  if (!marked) return render_marked(input, input.messages_json);
  const std::string mark = ControlText::new_mark();
  auto prompt = render_marked(input, impl_->control->mark_messages(input.messages_json, mark));
  if (!prompt) return fail(prompt.error());
  CutText cut = ControlText::cut_at(std::move(prompt->prompt), mark);
  prompt->prompt = std::move(cut.text);
  prompt->cuts = std::move(cut.cuts);
  return prompt;
}

std::vector<Token> ChatFormat::tokens(const ChatPrompt& prompt) const {
  return tokenize_prompt(*impl_->model, prompt.prompt, prompt.cuts);
}

result<ChatPrompt> ChatFormat::render_marked(const ChatInput& input, const std::string& messages_json) const {
  auto messages = parse_chat_messages(messages_json);
  if (!messages) return fail(messages.error());
  auto tools = parse_chat_tools(input.tools_json);
  if (!tools) return fail(tools.error());
  const auto choice = parse_tool_choice(input.tool_choice, *tools);
  if (!choice) return fail(choice.error());
  if (!input.grammar.empty() && !input.json_schema.empty()) {
    return fail(ErrorCode::invalid_argument, "grammar and a JSON schema cannot be used together", "grammar");
  }
  if (choice->mode == ToolChoice::Mode::none) tools->clear();
  if (!choice->function.empty()) {
    std::erase_if(*tools, [&](const auto& tool) { return tool.name != choice->function; });
  }
  if (!input.grammar.empty() && !tools->empty()) {
    return fail(ErrorCode::invalid_argument, "grammar cannot be used together with tools", "grammar");
  }
  const bool about_tools = !tools->empty() || speaks_of_tools(*messages);
  if (!tools->empty() && !impl_->own_knows_tools && !impl_->with_tools) {
    return fail(ErrorCode::unsupported, "the model's chat template has no place for tools", "tools");
  }

  try {
    const bool use_other = about_tools && impl_->with_tools != nullptr;
    const bool constrained_parser = !tools->empty() || (use_other && !input.json_schema.empty());
    if (impl_->own_is_plain && !about_tools && !constrained_parser) {
      return impl_->render_plain(input, std::move(*messages));
    }
    common_chat_templates_inputs inputs = base_inputs();
    inputs.messages = std::move(*messages);
    inputs.tools = std::move(*tools);
    inputs.tool_choice = choice->mode == ToolChoice::Mode::required ? COMMON_CHAT_TOOL_CHOICE_REQUIRED
                                                                    : COMMON_CHAT_TOOL_CHOICE_AUTO;
    inputs.parallel_tool_calls = input.parallel_tool_calls;
    inputs.grammar = input.grammar;
    add_arguments(input, inputs);
    if (!input.json_schema.empty()) {
      inputs.json_schema = object_schema(input.json_schema);
      if (auto can = check_schema(inputs.json_schema, !input.schema_is_wish); !can) return fail(can.error());
    }
    const common_chat_templates* templates = use_other ? impl_->with_tools.get() : impl_->own.get();
    common_chat_params params = common_chat_templates_apply(templates, inputs);
    const bool begins_call = use_other && choice->mode == ToolChoice::Mode::required;
    if (begins_call) {
      // The derived grammar allows any amount of text before the call; begin the call for the model.
      params.prompt += kChatMlToolCallStart;
      params.generation_prompt += kChatMlToolCallStart;
    }

    ChatPrompt prompt;
    prompt.prompt = params.prompt;
    prompt.stop = params.additional_stops;
    if (begins_call && !input.parallel_tool_calls) prompt.stop.emplace_back(kChatMlToolCallStart);
    impl_->convert_grammar(params, !input.grammar.empty(), prompt.grammar);
    auto syntax = std::make_shared<ChatSyntax>();
    syntax->params = common_chat_parser_params(params);
    syntax->single_call = !input.parallel_tool_calls;
    syntax->params.reasoning_format = inputs.reasoning_format;
    if (!params.parser.empty()) syntax->params.parser.load(params.parser);
    std::random_device random;
    syntax->call_id_prefix = fmt::format("call_{:08x}{:08x}", random(), random());
    prompt.syntax = std::move(syntax);
    return prompt;
  } catch (const std::exception& error) {
    return cannot_render(error.what());
  }
}

ChatMessage ChatFormat::parse(const ChatSyntax& syntax, std::string_view text, bool partial) {
  ChatMessage message;
  if (syntax.plain) {
    message.content = text;
    return message;
  }
  try {
    common_chat_msg parsed = common_chat_parse(std::string(text), partial, syntax.params);
    message.content = std::move(parsed.content);
    message.reasoning_content = std::move(parsed.reasoning_content);
    for (common_chat_tool_call& call : parsed.tool_calls) {
      if (syntax.single_call && !message.tool_calls.empty()) break;
      if (call.id.empty()) call.id = fmt::format("{}{}", syntax.call_id_prefix, message.tool_calls.size());
      message.tool_calls.push_back({std::move(call.id), std::move(call.name), std::move(call.arguments)});
    }
  } catch (const std::exception&) {
    message = {};
    message.content = text;
  }
  return message;
}

result<std::string> json_schema_to_gbnf(std::string_view schema, bool is_wish) {
  quiet_common_log();
  try {
    const std::string usable = object_schema(std::string(schema));
    if (auto can = check_schema(usable, !is_wish); !can) return fail(can.error());
    return json_schema_to_grammar(common_json::parse(usable));
  } catch (const std::exception& error) {
    return fail(ErrorCode::invalid_argument, fmt::format("the JSON schema cannot be used: {}", error.what()),
                "response_format");
  }
}

}  // namespace sovereign::engine
