// One question to a model and its answer, whoever computes it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "runtime/query.h"

namespace sovereign {

struct Question {
  std::string prompt;
  std::string system;                         // empty: none
  std::vector<runtime::ContextItem> context;  // what the answer is to be taken from
  std::optional<std::uint32_t> max_tokens;
  std::optional<double> temperature;
  std::optional<std::uint32_t> seed;
  std::uint32_t reasoning_depth = 0;  // levels of thoughts before the answer; 0: none
  // Called with each piece of the answer as it comes; false ends the answer. May be empty.
  std::function<bool(std::string_view)> on_text;
  std::stop_token stop;
};

struct Answer {
  std::string text;
  std::string model;
  std::string finish_reason;  // "stop", "length", ...
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::string quality_json;    // the note on its quality; empty: it was not assessed, or the server has none
  std::string reasoning_json;  // the graph of thoughts; empty: it was answered without
  double ttft_s = 0;           // question asked to first text, without loading a model
  double total_s = 0;          // question asked to end of answer

  // Of the tokens after the first.
  double tokens_per_s() const;
};

// OpenAI's `messages` for the question, as JSON text.
std::string messages_json(const Question& question);

// Loads the model into this process and asks it. The engine is cut down to one sequence where the settings
// stand at their defaults. Errors: as LlamaModel, Engine and ChatFormat; cancelled.
result<Answer> ask_in_process(const Question& question, const config::Settings& settings);

struct Remote {
  std::string url;      // "http://127.0.0.1:8080"
  std::string api_key;  // empty: none
  std::string model;    // empty: whatever the server has
  std::string ca_file;  // empty: the system's roots
};

// Asks a server that speaks OpenAI's API; with reasoning, a server of this program's kind. Errors:
// unavailable, unauthenticated, or what the server says.
result<Answer> ask_server(const Question& question, const Remote& remote);

}  // namespace sovereign
