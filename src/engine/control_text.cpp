#include "engine/control_text.h"

#include <fmt/format.h>
#include <json.h>
#include <llama.h>

#include <algorithm>
#include <exception>
#include <random>

#include "engine/llama_model.h"

namespace sovereign::engine {
namespace {

// JSON text in which a name of a control token looks as it will look to the model. The arguments of tool
// calls are JSON within JSON, which templates may read.
std::string plain_json(const std::string& json) {
  if (json.find("\\u") == std::string::npos && json.find("\\/") == std::string::npos) return json;
  try {
    common_json parsed = common_json::parse(json);
    for (std::size_t i = 0; parsed.is_array() && i < parsed.size(); ++i) {
      common_json& message = parsed.at(i);
      if (!message.is_object() || !message.contains("tool_calls") || !message.at("tool_calls").is_array())
        continue;
      for (std::size_t c = 0; c < message.at("tool_calls").size(); ++c) {
        common_json& call = message.at("tool_calls").at(c);
        if (!call.is_object() || !call.contains("function") || !call.at("function").is_object()) continue;
        common_json& function = call.at("function");
        if (!function.contains("arguments") || !function.at("arguments").is_string()) continue;
        const auto arguments = function.at("arguments").get<std::string>();
        if (arguments.find('\\') == std::string::npos) continue;
        function["arguments"] = common_json::parse(arguments).dump_safe();
      }
    }
    return parsed.dump_safe();
  } catch (const std::exception&) {
    return json;  // whoever reads it says what is wrong with it
  }
}

}  // namespace

std::vector<Token> tokenize_prompt(const LlamaModel& model, std::string_view text,
                                   const std::vector<std::size_t>& cuts) {
  std::vector<Token> tokens;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : text.size();
    const auto part = model.tokenize(text.substr(begin, end - begin), i == 0, true);
    tokens.insert(tokens.end(), part.begin(), part.end());
    begin = end;
  }
  return tokens;
}

ControlText::ControlText(const LlamaModel& model) {
  for (Token token = 0; token < static_cast<Token>(model.info().vocabulary_size); ++token) {
    const auto attributes = static_cast<unsigned>(llama_vocab_get_attr(model.vocab(), token));
    if ((attributes & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN)) == 0) continue;
    const std::string name = llama_vocab_get_text(model.vocab(), token);
    // A mark cannot part a single character, and would be lost in what JSON escapes.
    if (name.size() < 2 || name.find_first_of("\"\\") != std::string::npos) continue;
    names_[static_cast<unsigned char>(name.front())].push_back(name);
  }
}

std::size_t ControlText::name_at(std::string_view text, std::size_t at) const {
  for (const std::string& name : names_[static_cast<unsigned char>(text[at])]) {
    if (text.substr(at, name.size()) == name) return name.size();
  }
  return 0;
}

bool ControlText::is_in(const std::string& json) const {
  const std::string text = plain_json(json);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (name_at(text, at) > 0) return true;
  }
  return false;
}

std::string ControlText::mark_messages(const std::string& messages_json, const std::string& mark) const {
  const std::string text = plain_json(messages_json);
  std::string marked;
  marked.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    marked += text[at];
    // Names may overlap, so each place is looked at. After the first character, which may have several bytes.
    if (name_at(text, at) == 0) continue;
    while (at + 1 < text.size() && (static_cast<unsigned char>(text[at + 1]) & 0xC0U) == 0x80)
      marked += text[++at];
    marked += mark;
  }
  return marked;
}

std::string ControlText::new_mark() {
  thread_local std::random_device random;
  return fmt::format("{:010d}{:010d}", random(), random());
}

CutText ControlText::cut_at(std::string text, const std::string& mark) {
  CutText cut;
  std::size_t begin = 0;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, begin)) {
    cut.text.append(text, begin, at - begin);
    cut.cuts.push_back(cut.text.size());
    begin = at + mark.size();
  }
  cut.text.append(text, begin);
  return cut;
}

}  // namespace sovereign::engine
