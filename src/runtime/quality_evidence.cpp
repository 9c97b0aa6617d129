#include "runtime/quality_evidence.h"

#include <boost/json.hpp>

#include "runtime/ending.h"

namespace sovereign::runtime {
namespace {

namespace json = boost::json;

// Of a message: its content, or the texts among the content's parts.
std::string text_of(const json::object& message) {
  const json::value* content = message.if_contains("content");
  if (content == nullptr) return {};
  if (content->is_string()) return std::string(content->get_string());
  std::string text;
  if (!content->is_array()) return text;
  for (const json::value& part : content->get_array()) {
    const json::object* object = part.if_object();
    const json::value* piece = object == nullptr ? nullptr : object->if_contains("text");
    if (piece == nullptr || !piece->is_string()) continue;
    if (!text.empty()) text += '\n';
    text += piece->get_string();
  }
  return text;
}

AskedTexts texts_of_conversation(const std::string& messages_json) {
  AskedTexts asked;
  json::error_code error;
  const json::value messages = json::parse(messages_json, error);
  if (error || !messages.is_array()) return asked;
  for (const json::value& each : messages.get_array()) {
    const json::object* message = each.if_object();
    const json::value* role = message == nullptr ? nullptr : message->if_contains("role");
    if (role == nullptr || !role->is_string()) continue;
    const json::string& who = role->get_string();
    if (who == "system" || who == "developer") continue;
    std::string text = text_of(*message);
    asked.given += text;
    asked.given += '\n';
    if (who == "user") asked.question = std::move(text);
  }
  return asked;
}

std::vector<float> chosen_logprobs(const Choice& choice) {
  std::vector<float> values;
  values.reserve(choice.logprobs.size());
  for (const auto& token : choice.logprobs) values.push_back(token.chosen.logprob);
  return values;
}

}  // namespace

AskedTexts asked_texts(const SovereignQuery& query) {
  if (query.content.empty()) return texts_of_conversation(query.chat.messages_json);
  AskedTexts asked{query.content, query.content, {}};
  for (const ContextItem& item : query.context) {
    asked.context.push_back(item.title.empty() ? item.text
                                               : item.title + (item.is_value ? ": " : "\n") + item.text);
  }
  return asked;
}

std::string said_by(const Choice& choice) {
  if (!choice.message.content.empty()) return choice.message.content;
  std::string text;
  for (const auto& call : choice.message.tool_calls) {
    if (!text.empty()) text += '\n';
    text += call.arguments;
  }
  return text;
}

std::vector<omega::Assessment> assess_choices(const SovereignQuery& query, const AskedTexts& asked,
                                              std::span<const Choice> choices,
                                              std::span<const std::vector<float>> log_likelihoods) {
  const std::vector<std::string_view> context(asked.context.begin(), asked.context.end());
  std::vector<std::string> texts;
  for (const Choice& choice : choices) texts.push_back(said_by(choice));
  std::vector<omega::Assessment> assessments;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    std::vector<float> logprobs;
    if (i < log_likelihoods.size()) logprobs = log_likelihoods[i];
    if (logprobs.empty()) logprobs = chosen_logprobs(choices[i]);
    std::vector<std::string_view> samples;
    for (std::size_t k = 0; k < choices.size() && !query.sampling.greedy(); ++k) {
      if (k != i) samples.emplace_back(texts[k]);
    }
    omega::Evidence evidence{.question = asked.given,
                             .context = context,
                             .answer = texts[i],
                             .logprobs = logprobs,
                             .ending = ending_of(choices[i].finish),
                             .samples = samples};
    if (!query.chat.json_schema.empty() && choices[i].message.tool_calls.empty()) {
      evidence.format = omega::AnswerFormat::json_schema;
      evidence.schema = query.chat.json_schema;
    }
    assessments.push_back(omega::assess(evidence));
  }
  return assessments;
}

}  // namespace sovereign::runtime
