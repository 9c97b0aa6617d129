// Measures the log-probabilities of the labelled answers with a real model.
//
//   measure_logprobs MODEL.gguf tests/omega labelled > labelled_logprobs.jsonl
//
// To be run again when the answers or the default model change; the calibration test compares some of
// its numbers with what the model says at test time.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "omega/answer_logprobs.h"
#include "omega/labelled_answers.h"

namespace {

using namespace sovereign;

int complain(const std::string& message) {
  fmt::print(stderr, "measure_logprobs: {}\n", message);
  return 1;
}

int run(const char* model_path, const char* folder, const char* name) {
  const auto model = engine::LlamaModel::load(model_path, 0);
  if (!model) return complain(model.error().message);
  const auto meter = testing::AnswerLogprobs::create(**model);
  if (!meter) return complain(meter.error().message);
  for (const testing::LabelledAnswer& answer : testing::read_labelled_answers(folder, name, false)) {
    const auto logprobs = (*meter)->measure(answer.context, answer.question, answer.answer);
    if (!logprobs) return complain(logprobs.error().message);
    std::string numbers;
    for (const float logprob : *logprobs) {
      if (!numbers.empty()) numbers += ",";
      numbers += fmt::format("{:.4f}", logprob);
    }
    fmt::print("{{\"id\":{},\"logprobs\":[{}]}}\n", answer.id, numbers);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return complain("usage: measure_logprobs MODEL FOLDER NAME");
  try {
    return run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    return complain(error.what());
  }
}
