// sovereign ask: one question, answered in the terminal.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "api_key.h"
#include "command.h"
#include "config/key_table.h"
#include "console.h"
#include "question.h"
#include "settings_flags.h"
#include "signals.h"

namespace sovereign {
namespace {

namespace json = boost::json;

struct AskOptions {
  std::vector<std::string> words;
  Remote remote;
  std::string api_key_file;
  Question question;
  std::vector<std::string> context_files;
  bool as_json = false;
  bool no_stream = false;
  bool stats = false;
};

// With words on the command line, standard input is read only when something is piped or redirected to it.
bool has_piped_input() {
  struct stat input {};
  if (fstat(STDIN_FILENO, &input) != 0) return false;
  return S_ISFIFO(input.st_mode) || S_ISREG(input.st_mode);
}

result<std::string> read_prompt(const std::vector<std::string>& words) {
  std::string prompt;
  for (const std::string& word : words) prompt += (prompt.empty() ? "" : " ") + word;
  if (prompt.empty() ? isatty(STDIN_FILENO) == 0 : has_piped_input()) {
    std::string piped{std::istreambuf_iterator<char>(std::cin), {}};
    while (!piped.empty() && piped.back() == '\n') piped.pop_back();
    if (!prompt.empty() && !piped.empty()) prompt += "\n\n";
    prompt += piped;
  }
  if (prompt.find_first_not_of(" \t\r\n") != std::string::npos) return prompt;
  return fail(ErrorCode::invalid_argument, "nothing to ask: give words, or pipe text in");
}

result<std::vector<runtime::ContextItem>> read_context(const std::vector<std::string>& files) {
  std::vector<runtime::ContextItem> context;
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad())
      return fail(ErrorCode::not_found, fmt::format("cannot read {}", file), file);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    context.push_back({std::filesystem::path(file).filename().string(), std::move(text), false});
  }
  return context;
}

void print_json(const Answer& answer) {
  json::object object{{"answer", answer.text},
                      {"model", answer.model},
                      {"finish_reason", answer.finish_reason},
                      {"usage",
                       {{"prompt_tokens", answer.prompt_tokens},
                        {"cached_prompt_tokens", answer.cached_prompt_tokens},
                        {"completion_tokens", answer.completion_tokens}}},
                      {"timings",
                       {{"ttft_ms", answer.ttft_s * 1000},
                        {"total_ms", answer.total_s * 1000},
                        {"tokens_per_s", answer.tokens_per_s()}}}};
  if (!answer.quality_json.empty()) object["quality"] = json::parse(answer.quality_json);
  if (!answer.reasoning_json.empty()) object["reasoning"] = json::parse(answer.reasoning_json);
  fmt::print("{}\n", json::serialize(object));
}

// The server's model is chosen by flags only: what the file says is about models of this machine.
std::string remote_model(const config::Loaded& loaded) {
  for (const char* name : {"model.path", "model.name"}) {
    const config::Key* key = config::find_key(name);
    const std::string& origin = loaded.origins[static_cast<std::size_t>(key - config::all_keys().data())];
    if (origin.starts_with("--")) return std::get<std::string>(key->get(loaded.settings));
  }
  return {};
}

int ask(AskOptions& options, const SettingsFlags& flags) {
  const auto loaded = flags.load_or_print();
  if (!loaded) return kExitUsage;
  std::stop_source stop;
  const SignalThread signals([&stop](int) {
    // The second signal finds the first one at work, perhaps in a load that cannot be broken off.
    if (!stop.request_stop()) std::_Exit(kExitInterrupted);
  });
  Question& question = options.question;
  question.stop = stop.get_token();
  auto prompt = read_prompt(options.words);
  if (!prompt) {
    fmt::print(stderr, "sovereign: {}\n", prompt.error().message);
    return kExitUsage;
  }
  question.prompt = std::move(*prompt);
  auto context = read_context(options.context_files);
  if (!context) return print_failure(context.error());
  question.context = std::move(*context);
  bool ends_line = true;
  if (!options.as_json && !options.no_stream) {
    question.on_text = [&ends_line](std::string_view text) {
      ends_line = text.ends_with('\n');
      return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    };
  }

  result<Answer> answer = fail(ErrorCode::internal, "");
  if (options.remote.url.empty()) {
    answer = ask_in_process(question, loaded->settings);
  } else {
    auto key = read_api_key(options.api_key_file, "SOVEREIGN_API_KEY");
    if (!key) return print_failure(key.error());
    options.remote.api_key = std::move(*key);
    options.remote.model = remote_model(*loaded);
    answer = ask_server(question, options.remote);
  }
  if (!ends_line) fmt::print("\n");
  std::fflush(stdout);  // before what goes to the other stream
  if (!answer) return print_failure(answer.error());
  if (options.as_json) {
    print_json(*answer);
  } else if (options.no_stream) {
    fmt::print("{}\n", answer->text);
  }
  if (options.stats || (!options.as_json && isatty(STDERR_FILENO) != 0)) {
    fmt::print(stderr, "{} tokens, {:.1f} tokens/s, first after {:.0f} ms\n", answer->completion_tokens,
               answer->tokens_per_s(), answer->ttft_s * 1000);
  }
  return kExitOk;
}

}  // namespace

void add_ask_command(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("ask", "Ask one question; the answer streams to the terminal");
  auto options = std::make_shared<AskOptions>();
  command->add_option("prompt", options->words, "The question; piped standard input is added to it")
      ->type_name("TEXT");
  command
      ->add_option("--url", options->remote.url,
                   "Ask a running server, e.g. http://127.0.0.1:8080; --model then names one of its models")
      ->type_name("URL");
  command
      ->add_option("--api-key-file", options->api_key_file,
                   "File with the server's API key [$SOVEREIGN_API_KEY]")
      ->type_name("FILE");
  command->add_option("--ca-file", options->remote.ca_file, "PEM roots to trust for https [the system's]")
      ->type_name("FILE");
  command->add_option("--system", options->question.system, "System message")->type_name("TEXT");
  command->add_option("--context-file", options->context_files, "Text file to answer from; may be repeated")
      ->type_name("FILE")
      ->type_size(1)
      ->allow_extra_args(false);
  command
      ->add_option("--max-tokens", options->question.max_tokens,
                   "Longest answer in tokens [until the model ends it]")
      ->type_name("N")
      ->check(CLI::Range(std::uint32_t{1}, std::uint32_t{16'000'000}).description(""));
  command->add_option("--temperature", options->question.temperature, "Randomness, 0 (none) to 2 [1]")
      ->type_name("X")
      ->check(CLI::Range(0.0, 2.0).description(""));
  command->add_option("--seed", options->question.seed, "Makes a random answer repeatable")->type_name("N");
  command
      ->add_option("--reason", options->question.reasoning_depth,
                   "Think it over first, in up to N levels of thoughts; no answer without")
      ->type_name("N")
      ->check(CLI::Range(std::uint32_t{1}, runtime::ReasoningConfig::kMaxDepth).description(""));
  command->add_flag(
      "--json", options->as_json,
      "Print one JSON object: answer, model, finish_reason, usage, timings, and what there is of "
      "quality and reasoning");
  command->add_flag("--no-stream", options->no_stream, "Print the answer when it is complete");
  command->add_flag("--stats", options->stats,
                    "Print tokens and speed on standard error, also when it is no terminal");
  auto flags = std::make_shared<SettingsFlags>(
      *command, std::vector<std::string_view>{"model", "engine", "quality", "reasoning", "log"});
  command->callback([options, flags, &exit_code] { exit_code = ask(*options, *flags); });
}

}  // namespace sovereign
