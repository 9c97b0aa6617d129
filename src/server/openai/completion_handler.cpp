#include "server/openai/completion_handler.h"

#include <iterator>

#include "server/openai/completion_request.h"
#include "server/openai/completion_stream.h"
#include "server/openai/receipt_fields.h"
#include "server/openai/relay.h"
#include "server/openai/submission.h"

namespace sovereign::server::openai {
namespace {

struct RunningCompletion {
  ResponseHead head;
  GenerationOptions options;
  std::vector<std::string> echoes;  // what each choice begins with; one per choice
  std::uint64_t prompt_tokens = 0;
  ServingPtr serving{};  // held until the end
};

std::string echo_of(const engine::LlamaModel& model, const TextOrTokens& prompt) {
  if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
  std::string out;
  for (const auto token : std::get<std::vector<engine::Token>>(prompt)) out += model.piece(token, true);
  return out;
}

// On a worker thread.
outcome<RunningCompletion> start_completion(const ApiContext& api, const HttpRequest& http,
                                            const LocalAsk& ask,
                                            const std::shared_ptr<TokenChannel>& channel) {
  if (const auto none = refuse_receipt(api, http); !none) return refuse(none.error());
  auto serving = api.serving.get();
  if (const auto any = find_model(*serving, {}); !any) return refuse(any.error());
  auto request = parse_completion_request(http.body, serving->limits());
  if (!request) return refuse(request.error());
  const auto served = find_model(*serving, ask.model.empty() ? request->options.model : ask.model);
  if (!served) return refuse(served.error());
  if (serving->gateway != nullptr) {
    // Now that it is known whose vocabulary and context count.
    request = parse_completion_request(http.body, (*served)->limits());
    if (!request) return refuse(request.error());
  }
  auto& options = request->options;
  options.timeout = ask.timeout(options.timeout, api.clock.now());

  if (!options.json_schema.empty()) {
    auto gbnf = engine::json_schema_to_gbnf(options.json_schema, options.schema_is_wish);
    if (!gbnf) return refuse(gbnf.error());
    options.sampling.grammar.gbnf = std::move(*gbnf);
  }
  RunningCompletion running;
  std::vector<std::vector<engine::Token>> prompts;
  for (const auto& prompt : request->prompts) {
    // The whole prompt is the client's own, so control tokens may be spelled out, as at llama-server.
    auto tokens = to_prompt(**served, prompt, true, "prompt");
    if (!tokens) return refuse(tokens.error());
    running.prompt_tokens += tokens->size();
    prompts.push_back(std::move(*tokens));
    const auto echo = request->echo ? echo_of(*(*served)->model, prompt) : std::string();
    running.echoes.insert(running.echoes.end(), options.n, echo);
  }
  if (!options.empty_output) {
    if (auto failure = submit_all(api, **served, channel, std::move(prompts), options))
      return refuse(*failure);
  }
  running.head = {make_id("cmpl-"), unix_now(), (*served)->id, (*served)->fingerprint};
  running.options = std::move(options);
  running.serving = std::move(serving);
  return running;
}

asio::awaitable<void> stream_completion(Exchange& exchange, const std::shared_ptr<TokenChannel>& channel,
                                        const RunningCompletion& running) {
  CompletionStream stream(running.head, running.echoes, running.options.include_usage,
                          running.options.sampling.top_logprobs >= 0);
  bool begun = false;
  while (true) {
    auto batch = co_await channel->next();
    if (batch.abandoned) co_return;
    const bool done = batch.done;
    auto payloads = stream.absorb(std::move(batch));
    if (!begun) {
      if (payloads.empty()) continue;
      if (done && stream.failure()) co_return co_await exchange.respond(to_response(*stream.failure()));
      begun = true;
      if (!co_await exchange.begin_events()) co_return;
    }
    if (!payloads.empty() && !co_await exchange.send_events(std::move(payloads))) co_return;
    if (done) co_return co_await exchange.end_events();
  }
}

asio::awaitable<void> collect_completion(const ApiContext& api, Exchange& exchange,
                                         const std::shared_ptr<TokenChannel>& channel,
                                         const RunningCompletion& running) {
  std::vector<TextChoice> choices(running.echoes.size());
  for (std::size_t i = 0; i < choices.size(); ++i) choices[i].text = running.echoes[i];
  Tally tally;
  for (bool done = false; !done;) {
    auto batch = co_await channel->next();
    if (batch.abandoned) co_return;
    done = batch.done;
    tally.add(batch);
    for (auto& delta : batch.deltas) {
      if (delta.choice >= choices.size()) continue;
      auto& choice = choices[delta.choice];
      choice.text += delta.text;
      std::move(delta.logprobs.begin(), delta.logprobs.end(), std::back_inserter(choice.logprobs));
      if (delta.finish) choice.finish = *delta.finish;
    }
  }
  if (const auto failure = tally.failure()) co_return co_await exchange.respond(to_response(*failure));
  HttpResponse response;
  response.body = co_await on_worker(api.workers, [&] {
    return text_completion_json(running.head, choices, tally.usage(),
                                running.options.sampling.top_logprobs >= 0);
  });
  co_await exchange.respond(std::move(response));
}

// What the engine would have said had it been asked for no tokens.
TokenBatch empty_batch(const RunningCompletion& running) {
  TokenBatch batch;
  for (std::uint32_t i = 0; i < running.echoes.size(); ++i) {
    engine::GenerationDelta delta;
    delta.choice = i;
    delta.finish = engine::FinishReason::length;
    batch.deltas.push_back(std::move(delta));
  }
  engine::GenerationSummary summary;
  summary.prompt_tokens = static_cast<std::uint32_t>(running.prompt_tokens);
  batch.summaries.push_back(summary);
  return batch;
}

asio::awaitable<void> handle_completion(ApiContextPtr api, Exchange& exchange, LocalAsk ask) {
  const auto channel = std::make_shared<TokenChannel>(exchange.executor());
  const ChannelGuard guard(channel);
  exchange.on_disconnect([channel] { channel->abandon(); });
  auto running = co_await on_worker(api->workers,
                                    [&] { return start_completion(*api, exchange.request(), ask, channel); });
  if (!running) co_return co_await exchange.respond(to_response(running.error()));
  if (running->options.empty_output) channel->put(empty_batch(*running));
  if (running->options.stream) {
    channel->limit_backlog(api->config.max_unsent_bytes);
    co_await stream_completion(exchange, channel, *running);
  } else {
    co_await collect_completion(*api, exchange, channel, *running);
  }
}

}  // namespace

Handler make_completion_handler(ApiContextPtr api) {
  return relayed(api, gateway::ApiRoute::completions, [api](Exchange& exchange, LocalAsk ask) {
    return handle_completion(api, exchange, std::move(ask));
  });
}

}  // namespace sovereign::server::openai
