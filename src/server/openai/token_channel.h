// From the engine thread to a connection's coroutine: what a response's requests have produced.
//
// The engine thread puts deltas in and goes on; the coroutine is woken by one post to its executor
// when it waits, and takes all there is, so a slow connection costs fewer wake-ups, not more.
// The lock is held for a push or a swap, never across a call.
//
//   auto channel = std::make_shared<TokenChannel>(exchange.executor());
//   exchange.on_disconnect([channel] { channel->abandon(); });
//   channel->expect(1);
//   channel->attach(engine, *engine->submit(request, channel->sink(0)));
//   while (true) { auto batch = co_await channel->next(); … if (batch.done) break; }
//
// The engines that feed it are stopped before the executor's context is destroyed.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/generation.h"
#include "runtime/query_client.h"

namespace sovereign::server::openai {

namespace asio = boost::asio;

// Everything since the last batch. At least one of the fields says something.
struct TokenBatch {
  std::vector<engine::GenerationDelta> deltas;
  std::vector<engine::GenerationSummary> summaries;        // of the requests that ended
  std::optional<runtime::Beginning> beginning;             // of a query's answer; before its first delta
  std::shared_ptr<const runtime::SovereignResult> result;  // of a query; the end
  std::optional<gateway::Failure> failure;                 // of a query; the end
  bool done = false;                                       // every expected request ended: nothing follows
  bool abandoned = false;                                  // the client is gone, or too slow: nothing follows
};

// next() is for one coroutine on `executor`; all else is thread-safe.
class TokenChannel : public std::enable_shared_from_this<TokenChannel> {
 public:
  using Cancel = std::function<void()>;

  explicit TokenChannel(asio::any_io_executor executor);
  ~TokenChannel();

  // From now on more than this waiting for the coroutine abandons the response: the client is too slow.
  void limit_backlog(std::size_t bytes);

  // How many requests will feed it; before the first sink is in use.
  void expect(std::size_t requests);
  // Where one request's tokens go; its choice i becomes choice `first_choice` + i.
  std::shared_ptr<engine::GenerationSink> sink(std::uint32_t first_choice);
  // Where a query's answer goes; for one query alone, expect(1). Without `deltas` only the end comes.
  std::shared_ptr<runtime::QueryClient> client(bool deltas);
  // Ready-made tokens, where no request is needed.
  void put(TokenBatch batch);
  // How to stop a request; called at most once, never from the engine thread. Runs at once when the
  // channel is abandoned already.
  void attach(Cancel cancel);

  // Of a query: its answer must be there by then, whoever is to give it, or it fails and is cancelled; a
  // moment later, since who gives it knows the time too and can say more. On the executor, as next().
  void end_by(Time deadline);
  // Cancels the requests and ends next().
  void abandon();
  bool abandoned() const;

  // Waits for something and takes it.
  asio::awaitable<TokenBatch> next();

 private:
  class Sink;
  class Client;
  // A suspended coroutine.
  struct Waiter {
    virtual ~Waiter() = default;
    virtual void wake() = 0;
  };
  template <class Handler>
  struct HandlerWaiter;

  void push(engine::GenerationDelta delta);
  void finish(const engine::GenerationSummary& summary);
  void begin(const runtime::Beginning& beginning);
  template <class Put>
  void end(Put put);
  bool something_waits() const;  // under the lock
  void wake(std::unique_ptr<Waiter> waiter);
  TokenBatch take();
  void end_late();

  const asio::any_io_executor executor_;
  mutable std::mutex mutex_;
  std::size_t max_backlog_bytes_ = std::numeric_limits<std::size_t>::max();
  TokenBatch waiting_;
  std::size_t backlog_bytes_ = 0;
  std::size_t requests_left_ = 0;
  bool abandoned_ = false;
  std::unique_ptr<Waiter> waiter_;
  std::vector<Cancel> cancels_;
  std::optional<asio::steady_timer> timer_;  // on the executor
  friend class ChannelGuard;
};

// Abandons the channel when the coroutine that reads it ends, however it ends.
class ChannelGuard {
 public:
  explicit ChannelGuard(std::shared_ptr<TokenChannel> channel) : channel_(std::move(channel)) {}
  ~ChannelGuard() {
    channel_->timer_.reset();  // it would keep the executor's context running
    channel_->abandon();
  }
  ChannelGuard(const ChannelGuard&) = delete;
  ChannelGuard& operator=(const ChannelGuard&) = delete;

 private:
  std::shared_ptr<TokenChannel> channel_;
};

}  // namespace sovereign::server::openai
