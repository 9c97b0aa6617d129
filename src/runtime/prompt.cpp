#include "runtime/prompt.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace sovereign::runtime {

namespace json = boost::json;

std::string compose_question(const SovereignQuery& query) {
  if (query.context.empty()) return query.content;
  std::string text = "Context:\n";
  std::size_t documents = 0;
  for (const ContextItem& item : query.context) {
    if (item.is_value) {
      text += fmt::format("\n{}: {}\n", item.title, item.text);
    } else {
      ++documents;
      text += item.title.empty() ? fmt::format("\n[{}]\n{}\n", documents, item.text)
                                 : fmt::format("\n[{}] {}\n{}\n", documents, item.title, item.text);
    }
  }
  text += "\nQuestion: ";
  text += query.content;
  return text;
}

std::string compose_messages(const SovereignQuery& query) {
  json::array messages;
  if (!query.system.empty()) messages.push_back({{"role", "system"}, {"content", query.system}});
  messages.push_back({{"role", "user"}, {"content", compose_question(query)}});
  return json::serialize(messages);
}

}  // namespace sovereign::runtime
