// A chat as the text of a prompt, by one of the templates that llama.cpp has built in: they need no model.
//
// For servers that take prompts as text and read control tokens wherever they stand in it. Immutable,
// thread-safe.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sovereign::engine {

class PromptTemplate {
 public:
  // As llama.cpp calls them: "chatml", "llama3", …
  static std::vector<std::string> names();
  // Errors: invalid_argument (no template of that name).
  static result<PromptTemplate> find(const std::string& name);

  // The prompt that the assistant's answer continues. Nothing where such a template cannot say it all: roles
  // other than system, user and assistant, tool calls, parts, a last word that is the assistant's; and where
  // a text holds what could be a control token, with which a client could write turns of its own.
  std::optional<std::string> render(const std::string& messages_json) const;

  // The control token that ends an answer, as text; empty: the template has none.
  const std::string& turn_end() const { return turn_end_; }

 private:
  PromptTemplate(std::string name, std::string turn_end)
      : name_(std::move(name)), turn_end_(std::move(turn_end)) {}

  std::string name_;
  std::string turn_end_;
};

}  // namespace sovereign::engine
