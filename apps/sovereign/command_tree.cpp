#include "command_tree.h"

#include <algorithm>

namespace sovereign {
namespace {

OptionDoc describe_option(const CLI::Option& option) {
  OptionDoc doc;
  for (const std::string& name : option.get_snames()) doc.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) doc.names.push_back("--" + name);
  if (doc.names.empty()) doc.positional = option.get_name(true);
  if (option.get_type_size() != 0) doc.type = option.get_type_name();
  doc.help = option.get_description();
  doc.group = option.get_group();
  doc.required = option.get_required();
  return doc;
}

CommandDoc describe(const CLI::App& command, const std::string& parent_path) {
  CommandDoc doc;
  doc.name = command.get_name();
  doc.path = parent_path.empty() ? doc.name : parent_path + " " + doc.name;
  doc.help = command.get_description();
  for (const CLI::Option* option : command.get_options()) doc.options.push_back(describe_option(*option));
  const auto any = [](const CLI::App*) { return true; };
  for (const CLI::App* subcommand : command.get_subcommands(any)) {
    doc.subcommands.push_back(describe(*subcommand, doc.path));
  }
  return doc;
}

}  // namespace

std::vector<std::string> OptionDoc::choices() const {
  std::vector<std::string> words;
  if (type.find('|') == std::string::npos) return words;
  std::size_t start = 0;
  while (start <= type.size()) {
    const std::size_t end = std::min(type.find('|', start), type.size());
    words.push_back(type.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

CommandDoc describe_command(const CLI::App& command) { return describe(command, ""); }

}  // namespace sovereign
