#include "server/openai/submission.h"

#include <fmt/format.h>

namespace sovereign::server::openai {

outcome<std::vector<engine::Token>> check_prompt(const ServedModel& served, std::vector<engine::Token> tokens,
                                                 const std::string& param) {
  if (tokens.empty()) {
    return refuse(Error{ErrorCode::invalid_argument, fmt::format("'{}' must not be empty.", param), param});
  }
  const auto context = served.engine->context_tokens();
  if (tokens.size() >= context) return refuse(context_length_exceeded(tokens.size(), context, param));
  return tokens;
}

outcome<std::vector<engine::Token>> to_prompt(const ServedModel& served, const TextOrTokens& text,
                                              bool parse_special, const std::string& param) {
  if (const auto* tokens = std::get_if<std::vector<engine::Token>>(&text)) {
    return check_prompt(served, *tokens, param);
  }
  const auto& words = std::get<std::string>(text);
  const auto least = served.model->least_tokens(words.size());
  const auto context = served.engine->context_tokens();
  if (least >= context) return refuse(context_length_exceeded(least, context, param, true));
  return check_prompt(served, served.model->tokenize(words, true, parse_special), param);
}

std::optional<ApiFailure> submit_all(const ApiContext& api, const ServedModel& served,
                                     const std::shared_ptr<TokenChannel>& channel,
                                     std::vector<std::vector<engine::Token>> prompts,
                                     const GenerationOptions& options) {
  // Nothing is begun of what could never be accepted as a whole.
  const std::size_t most = served.engine->max_queued();
  if (prompts.size() * options.n > most) {
    const std::string what = options.embed ? "input" : "prompt";
    return ApiFailure(Error{ErrorCode::invalid_argument,
                            fmt::format("'{}' asks for {} sequences at once; at most {} can wait "
                                        "(engine.max_queued). Send fewer in one request.",
                                        what, prompts.size() * options.n, most),
                            what});
  }
  const auto deadline = deadline_of(api, options.timeout);
  channel->expect(prompts.size());
  std::uint32_t first_choice = 0;
  for (auto& prompt : prompts) {
    if (channel->abandoned()) return std::nullopt;
    engine::GenerationRequest request;
    request.prompt = std::move(prompt);
    request.n = options.n;
    request.max_tokens = options.max_tokens;
    request.sampling = options.sampling;
    request.stop = options.stop;
    request.ignore_eos = options.ignore_eos;
    request.embed = options.embed;
    request.deadline = deadline;
    auto id = served.engine->submit(std::move(request), channel->sink(first_choice));
    if (!id) {
      channel->abandon();
      ApiFailure failure(id.error());
      if (failure.error.where == "grammar" && !options.json_schema.empty())
        failure.error.where = "response_format";
      return failure;
    }
    // Weak: the engine holds the sink, the sink the channel, and the channel this.
    channel->attach([engine = std::weak_ptr(served.engine), id = *id] {
      if (auto alive = engine.lock()) alive->cancel(id);
    });
    first_choice += options.n;
  }
  return std::nullopt;
}

}  // namespace sovereign::server::openai
