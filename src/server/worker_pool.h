// Threads for work that takes a processor for more than about 100 µs: parsing, templates, tokenizing.
//
// The io threads run every connection, /healthz too, so a handler must not compute on them:
//   auto tokens = co_await on_worker(pool, [&] { return model.tokenize(text, true, true); });
// The pool is thread-safe. It outlives the HttpServer whose handlers use it. Its queue is bounded by
// ServerConfig::max_connections, since a connection awaits one job at a time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace sovereign::server {

namespace asio = boost::asio;

class WorkerPool {
 public:
  // At least one thread.
  explicit WorkerPool(std::uint32_t threads) : pool_(threads == 0 ? 1 : threads) {}
  // Finishes the jobs that wait, then joins the threads.
  ~WorkerPool() { pool_.join(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  asio::thread_pool::executor_type executor() noexcept { return pool_.get_executor(); }

 private:
  asio::thread_pool pool_;
};

// Runs `work()` on a worker thread and resumes the caller on its own executor with what it returned;
// what it throws is rethrown there. The caller's frame waits, so `work` may refer to its variables.
template <class Work>
asio::awaitable<std::invoke_result_t<Work&>> on_worker(WorkerPool& pool, Work work) {
  using Value = std::invoke_result_t<Work&>;
  if constexpr (std::is_void_v<Value>) {
    auto job = [&work]() -> asio::awaitable<void> {
      work();
      co_return;
    };
    co_await asio::co_spawn(pool.executor(), job, asio::use_awaitable);
  } else {
    std::optional<Value> value;
    auto job = [&work, &value]() -> asio::awaitable<void> {
      value.emplace(work());
      co_return;
    };
    co_await asio::co_spawn(pool.executor(), job, asio::use_awaitable);
    co_return std::move(*value);
  }
}

}  // namespace sovereign::server
