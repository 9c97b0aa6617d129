#include "server/openai/chat_handler.h"

#include <iterator>
#include <limits>

#include "server/openai/chat_request.h"
#include "server/openai/chat_response.h"
#include "server/openai/chat_stream.h"
#include "server/openai/submission.h"

namespace sovereign::server::openai {
namespace {

struct RunningChat {
  ResponseHead head;
  GenerationOptions options;
  std::shared_ptr<const engine::ChatSyntax> syntax;  // null: the text is the content
};

// On a worker thread.
outcome<RunningChat> start_chat(const ApiContext& api, const std::string& body,
                                const std::shared_ptr<TokenChannel>& channel) {
  const auto any = find_model(api, {});
  if (!any) return refuse(any.error());
  auto request = parse_chat_request(body, (*any)->limits());
  if (!request) return refuse(request.error());
  auto& options = request->options;
  const auto served = find_model(api, options.model);
  if (!served) return refuse(served.error());

  auto prompt = (*served)->chat_format->render(request->input);
  if (!prompt) {
    auto error = prompt.error();
    if (error.where.empty()) error.where = "messages";
    return refuse(std::move(error));
  }
  options.sampling.grammar = std::move(prompt->grammar);
  std::move(prompt->stop.begin(), prompt->stop.end(), std::back_inserter(options.stop));
  auto tokens = check_prompt(**served, (*served)->model->tokenize(prompt->prompt, true, true), "messages");
  if (!tokens) return refuse(tokens.error());
  std::vector<std::vector<engine::Token>> prompts;
  prompts.push_back(std::move(*tokens));
  if (auto failure = submit_all(api, **served, channel, std::move(prompts), options)) return refuse(*failure);

  RunningChat chat;
  chat.head = {make_id("chatcmpl-"), unix_now(), (*served)->id, (*served)->fingerprint};
  chat.options = std::move(options);
  if (!prompt->plain) chat.syntax = prompt->syntax;
  return chat;
}

asio::awaitable<void> stream_chat(const ApiContext& api, Exchange& exchange,
                                  const std::shared_ptr<TokenChannel>& channel, const RunningChat& chat) {
  ChatStream stream(chat.head, chat.options.n, chat.options.include_usage,
                    chat.options.sampling.top_logprobs >= 0, chat.syntax);
  bool begun = false;
  while (true) {
    auto batch = co_await channel->next();
    if (batch.abandoned) co_return;
    const bool done = batch.done;
    std::vector<std::string> payloads;
    if (chat.syntax != nullptr) {
      payloads = co_await on_worker(api.workers, [&] { return stream.absorb(std::move(batch)); });
    } else {
      payloads = stream.absorb(std::move(batch));
    }
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

asio::awaitable<void> collect_chat(const ApiContext& api, Exchange& exchange,
                                   const std::shared_ptr<TokenChannel>& channel, const RunningChat& chat) {
  std::vector<ChatChoice> choices(chat.options.n);
  Tally tally;
  for (bool done = false; !done;) {
    auto batch = co_await channel->next();
    if (batch.abandoned) co_return;
    done = batch.done;
    tally.add(batch);
    for (auto& delta : batch.deltas) {
      if (delta.choice >= choices.size()) continue;
      auto& choice = choices[delta.choice];
      choice.message.content += delta.text;
      std::move(delta.logprobs.begin(), delta.logprobs.end(), std::back_inserter(choice.logprobs));
      if (delta.finish) choice.finish = *delta.finish;
    }
  }
  if (const auto failure = tally.failure()) co_return co_await exchange.respond(to_response(*failure));
  HttpResponse response;
  const auto build = [&] {
    if (chat.syntax != nullptr) {
      for (auto& choice : choices) {
        choice.message = engine::ChatFormat::parse(*chat.syntax, choice.message.content, false);
      }
    }
    return chat_completion_json(chat.head, choices, tally.usage(), chat.options.sampling.top_logprobs >= 0);
  };
  response.body = co_await on_worker(api.workers, build);
  co_await exchange.respond(std::move(response));
}

asio::awaitable<void> handle_chat(ApiContextPtr api, Exchange& exchange) {
  const auto channel = std::make_shared<TokenChannel>(exchange.executor());
  const ChannelGuard guard(channel);
  exchange.on_disconnect([channel] { channel->abandon(); });
  auto chat =
      co_await on_worker(api->workers, [&] { return start_chat(*api, exchange.request().body, channel); });
  if (!chat) co_return co_await exchange.respond(to_response(chat.error()));
  if (chat->options.stream) {
    channel->limit_backlog(api->config.max_unsent_bytes);
    co_await stream_chat(*api, exchange, channel, *chat);
  } else {
    co_await collect_chat(*api, exchange, channel, *chat);
  }
}

}  // namespace

Handler make_chat_handler(ApiContextPtr api) {
  return [api = std::move(api)](Exchange& exchange) { return handle_chat(api, exchange); };
}

}  // namespace sovereign::server::openai
