// A query's answer as events, whatever form they have: the course is the same for chats and for queries.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/openai/answer_headers.h"
#include "server/openai/api_failure.h"
#include "server/openai/cache_fields.h"
#include "server/openai/token_channel.h"
#include "server/worker_pool.h"

namespace sovereign::server::openai {

// `Stream` makes payloads from batches: parses(batch), absorb(batch), failure(). An answer that fails before
// anything was sent has a status of its own. Returns when all is sent, or the client left.
template <class Stream>
asio::awaitable<void> stream_answer(WorkerPool& workers, Exchange& exchange, TokenChannel& channel,
                                    Stream& stream) {
  std::vector<std::pair<std::string, std::string>> headers;
  bool begun = false;
  while (true) {
    auto batch = co_await channel.next();
    if (batch.abandoned) co_return;
    const bool done = batch.done;
    if (!begun && batch.beginning) headers = answer_headers(*batch.beginning);
    if (!begun && batch.result) headers = answer_headers(*batch.result);
    std::vector<std::string> payloads;
    if (stream.parses(batch)) {
      payloads = co_await on_worker(workers, [&] { return stream.absorb(std::move(batch)); });
    } else {
      payloads = stream.absorb(std::move(batch));
    }
    if (!begun) {
      if (payloads.empty()) continue;
      if (done && stream.failure()) co_return co_await exchange.respond(to_response(*stream.failure()));
      begun = true;
      if (!co_await exchange.begin_events(std::move(headers))) co_return;
    }
    if (!payloads.empty() && !co_await exchange.send_events(std::move(payloads))) co_return;
    if (done) co_return co_await exchange.end_events();
  }
}

// Waits for the end of an answer that is not streamed: its batch is done, or abandoned.
inline asio::awaitable<TokenBatch> whole_answer(TokenChannel& channel) {
  TokenBatch batch;
  while (!batch.done && !batch.abandoned) batch = co_await channel.next();
  co_return batch;
}

}  // namespace sovereign::server::openai
