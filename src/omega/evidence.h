// What an answer is judged by: the answer, what it was asked and given, and how it came about.
//
// Views only: whoever fills it in keeps what they point to alive until the call returns. What was not
// asked for or does not exist stays empty, and what would need it comes out unmeasured.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "omega/judge.h"

namespace sovereign::omega {

// How the answer's text came to its end.
enum class Ending : std::uint8_t {
  unknown,     // nobody said, as with an answer from outside
  complete,    // the model ended it, or a stop string did
  length,      // cut at a limit of tokens
  interrupted  // deadline, cancel or error
};

// What the answer's text was to be.
enum class AnswerFormat : std::uint8_t {
  free,         // any text
  json,         // any JSON value
  json_object,  // a JSON object
  json_schema,  // JSON that matches Evidence::schema
};

struct Evidence {
  std::string_view question = {};                  // the user's words, without the context
  std::span<const std::string_view> context = {};  // documents given with the question
  std::string_view answer = {};                    // UTF-8
  std::span<const float> logprobs = {};            // of each of the answer's tokens: natural log, model's own
  Ending ending = Ending::unknown;
  AnswerFormat format = AnswerFormat::free;
  std::string_view schema = {};                    // JSON schema, with AnswerFormat::json_schema
  std::span<const std::string_view> samples = {};  // other answers to the same question, this one left out
  const JudgeVerdict* judge = nullptr;             // null: nobody judged
};

}  // namespace sovereign::omega
