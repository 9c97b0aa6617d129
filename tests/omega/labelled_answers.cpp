#include "omega/labelled_answers.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <map>
#include <stdexcept>

namespace sovereign::testing {
namespace {

namespace json = boost::json;

std::vector<json::object> read_lines(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  std::vector<json::object> objects;
  for (std::string line; std::getline(in, line);) objects.push_back(json::parse(line).as_object());
  return objects;
}

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  return value == nullptr ? std::string() : std::string(value->as_string());
}

std::vector<std::string> texts_at(const json::object& object, std::string_view key) {
  std::vector<std::string> texts;
  if (const json::value* value = object.if_contains({key.data(), key.size()})) {
    for (const json::value& text : value->as_array()) texts.emplace_back(text.as_string());
  }
  return texts;
}

template <class Value>
Value named(const std::map<std::string, Value>& names, const std::string& name) {
  const auto found = names.find(name);
  if (found == names.end()) throw std::runtime_error("unknown name '" + name + "'");
  return found->second;
}

}  // namespace

std::vector<LabelledAnswer> read_labelled_answers(const std::filesystem::path& folder,
                                                  const std::string& name, bool with_logprobs) {
  using omega::AnswerFormat;
  using omega::Ending;
  const std::map<std::string, Ending> endings = {
      {"complete", Ending::complete}, {"length", Ending::length}, {"interrupted", Ending::interrupted}};
  const std::map<std::string, AnswerFormat> formats = {{"", AnswerFormat::free},
                                                       {"json", AnswerFormat::json},
                                                       {"json_object", AnswerFormat::json_object},
                                                       {"json_schema", AnswerFormat::json_schema}};
  std::vector<LabelledAnswer> answers;
  for (const json::object& object : read_lines(folder / (name + "_answers.jsonl"))) {
    LabelledAnswer answer;
    answer.id = object.at("id").as_int64();
    answer.good = named<bool>({{"good", true}, {"bad", false}}, text_at(object, "label"));
    answer.kind = text_at(object, "kind");
    answer.question = text_at(object, "question");
    answer.context = texts_at(object, "context");
    answer.answer = text_at(object, "answer");
    answer.samples = texts_at(object, "samples");
    answer.ending = named(endings, text_at(object, "ending"));
    answer.format = named(formats, text_at(object, "format"));
    answer.schema = text_at(object, "schema");
    answers.push_back(std::move(answer));
  }
  if (!with_logprobs) return answers;
  std::map<std::int64_t, std::vector<float>> logprobs;
  for (const json::object& object : read_lines(folder / (name + "_logprobs.jsonl"))) {
    auto& numbers = logprobs[object.at("id").as_int64()];
    for (const json::value& number : object.at("logprobs").as_array())
      numbers.push_back(number.to_number<float>());
  }
  for (LabelledAnswer& answer : answers) answer.logprobs = logprobs.at(answer.id);
  return answers;
}

}  // namespace sovereign::testing
