#include "server/openai/token_channel.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "runtime/stages/inference.h"

namespace sovereign::server::openai {
namespace {

std::size_t cost_bytes(const engine::GenerationDelta& delta) {
  std::size_t bytes = sizeof(delta) + delta.text.size();
  for (const auto& entry : delta.logprobs) {
    bytes += sizeof(entry) + entry.top.size() * sizeof(engine::CandidateLogprob);
  }
  return bytes;
}

}  // namespace

class TokenChannel::Sink final : public engine::GenerationSink {
 public:
  Sink(std::shared_ptr<TokenChannel> channel, std::uint32_t first_choice)
      : channel_(std::move(channel)), first_choice_(first_choice) {}

  void on_delta(engine::GenerationDelta delta) noexcept override {
    delta.choice += first_choice_;
    channel_->push(std::move(delta));
  }
  void on_done(const engine::GenerationSummary& summary) noexcept override { channel_->finish(summary); }

 private:
  std::shared_ptr<TokenChannel> channel_;
  std::uint32_t first_choice_;
};

class TokenChannel::Client final : public runtime::QueryClient {
 public:
  Client(std::shared_ptr<TokenChannel> channel, bool deltas)
      : channel_(std::move(channel)), deltas_(deltas) {}

  void on_accepted(std::function<void()> leave) noexcept override { channel_->attach(std::move(leave)); }
  void on_begin(const runtime::Beginning& beginning) noexcept override {
    if (deltas_) channel_->begin(beginning);
  }
  void on_delta(engine::GenerationDelta delta) noexcept override {
    if (deltas_) channel_->push(std::move(delta));
  }
  void on_result(std::shared_ptr<const runtime::SovereignResult> result) noexcept override {
    channel_->end([&](TokenBatch& batch) { batch.result = std::move(result); });
  }
  void on_failure(const gateway::Failure& failure) noexcept override {
    channel_->end([&](TokenBatch& batch) { batch.failure = failure; });
  }

 private:
  const std::shared_ptr<TokenChannel> channel_;
  const bool deltas_;
};

// Keeps the executor's context running while the coroutine waits for another thread.
template <class Handler>
struct TokenChannel::HandlerWaiter final : Waiter {
  HandlerWaiter(Handler h, const asio::any_io_executor& executor)
      : handler(std::move(h)), work(asio::prefer(executor, asio::execution::outstanding_work.tracked)) {}
  void wake() override { std::move(handler)(); }

  Handler handler;
  asio::any_io_executor work;
};

TokenChannel::TokenChannel(asio::any_io_executor executor) : executor_(std::move(executor)) {}

TokenChannel::~TokenChannel() = default;

void TokenChannel::limit_backlog(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  max_backlog_bytes_ = bytes;
}

void TokenChannel::expect(std::size_t requests) {
  const std::lock_guard lock(mutex_);
  requests_left_ = requests;
}

std::shared_ptr<engine::GenerationSink> TokenChannel::sink(std::uint32_t first_choice) {
  return std::make_shared<Sink>(shared_from_this(), first_choice);
}

std::shared_ptr<runtime::QueryClient> TokenChannel::client(bool deltas) {
  return std::make_shared<Client>(shared_from_this(), deltas);
}

void TokenChannel::put(TokenBatch batch) {
  for (auto& delta : batch.deltas) push(std::move(delta));
  for (const auto& summary : batch.summaries) finish(summary);
}

void TokenChannel::attach(Cancel cancel) {
  {
    const std::lock_guard lock(mutex_);
    if (!abandoned_) {
      cancels_.push_back(std::move(cancel));
      return;
    }
  }
  cancel();
}

void TokenChannel::end_by(Time deadline) {
  constexpr std::chrono::milliseconds kLater{300};
  timer_.emplace(executor_, deadline + kLater);
  timer_->async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
    if (ec) return;
    if (const auto alive = weak.lock()) alive->end_late();
  });
}

void TokenChannel::end_late() {
  std::vector<Cancel> cancels;
  std::unique_ptr<Waiter> waiter;
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_ || requests_left_ == 0) return;
    requests_left_ = 0;
    waiting_.failure = runtime::failure_of(engine::FinishReason::deadline, std::nullopt);
    cancels.swap(cancels_);
    waiter = std::move(waiter_);
  }
  for (const auto& cancel : cancels) cancel();
  wake(std::move(waiter));
}

void TokenChannel::abandon() {
  std::vector<Cancel> cancels;
  std::unique_ptr<Waiter> waiter;
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) return;
    abandoned_ = true;
    if (requests_left_ > 0) cancels.swap(cancels_);
    waiter = std::move(waiter_);
    waiting_ = {};
  }
  for (const auto& cancel : cancels) cancel();
  wake(std::move(waiter));
}

bool TokenChannel::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_;
}

void TokenChannel::push(engine::GenerationDelta delta) {
  std::unique_ptr<Waiter> waiter;
  bool overflow = false;
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) return;
    const auto before = backlog_bytes_;
    backlog_bytes_ += cost_bytes(delta);
    overflow = backlog_bytes_ > max_backlog_bytes_ && before <= max_backlog_bytes_;
    if (backlog_bytes_ <= max_backlog_bytes_) waiting_.deltas.push_back(std::move(delta));
    waiter = std::move(waiter_);
  }
  wake(std::move(waiter));
  // Not here: a cancel may release the engine, whose thread this is.
  if (overflow) asio::post(executor_, [self = shared_from_this()] { self->abandon(); });
}

template <class Put>
void TokenChannel::end(Put put) {
  std::unique_ptr<Waiter> waiter;
  {
    const std::lock_guard lock(mutex_);
    if (requests_left_ > 0) --requests_left_;
    // After end_late() it is too late, for what its own cancel brings about as well.
    if (abandoned_ || waiting_.failure) return;
    put(waiting_);
    waiter = std::move(waiter_);
  }
  wake(std::move(waiter));
}

void TokenChannel::finish(const engine::GenerationSummary& summary) {
  end([&](TokenBatch& batch) { batch.summaries.push_back(summary); });
}

// Wakes nobody: a delta or the end follows.
void TokenChannel::begin(const runtime::Beginning& beginning) {
  const std::lock_guard lock(mutex_);
  waiting_.beginning = beginning;
}

bool TokenChannel::something_waits() const {
  return abandoned_ || !waiting_.deltas.empty() || !waiting_.summaries.empty() || requests_left_ == 0;
}

void TokenChannel::wake(std::unique_ptr<Waiter> waiter) {
  if (waiter == nullptr) return;
  asio::post(executor_, [waiter = std::move(waiter)] { waiter->wake(); });
}

TokenBatch TokenChannel::take() {
  const std::lock_guard lock(mutex_);
  TokenBatch batch = std::exchange(waiting_, {});
  batch.done = requests_left_ == 0;
  batch.abandoned = abandoned_ || backlog_bytes_ > max_backlog_bytes_;
  if (!batch.abandoned) backlog_bytes_ = 0;
  return batch;
}

asio::awaitable<TokenBatch> TokenChannel::next() {
  bool ready = false;
  {
    const std::lock_guard lock(mutex_);
    ready = something_waits();
  }
  if (!ready) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
        [this](auto handler) {
          using Handler = std::decay_t<decltype(handler)>;
          std::unique_ptr<Waiter> waiter =
              std::make_unique<HandlerWaiter<Handler>>(std::move(handler), executor_);
          {
            const std::lock_guard lock(mutex_);
            if (!something_waits()) waiter_ = std::move(waiter);
          }
          wake(std::move(waiter));  // something came meanwhile
        },
        asio::use_awaitable);
  }
  co_return take();
}

}  // namespace sovereign::server::openai
