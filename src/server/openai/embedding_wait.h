// Where a handler waits for embeddings, one after the other, without keeping a thread.
//
//   const auto wait = std::make_shared<EmbeddingWait>(exchange.executor());
//   const EmbeddingWaitGuard guard(wait);
//   exchange.on_disconnect([wait] { wait->abandon(); });
//   engine.embed(tokens, deadline, wait->sink());
//   const auto vector = co_await wait->next();
//
// sink() may be called on any thread; the rest belongs to the executor. Once it is abandoned nothing is
// posted there any more, so an engine may answer when the server is gone.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "engine/embedding.h"

namespace sovereign::server::openai {

class EmbeddingWait : public std::enable_shared_from_this<EmbeddingWait> {
 public:
  explicit EmbeddingWait(boost::asio::any_io_executor executor);

  // For the next embedding.
  engine::EmbeddingSink sink();
  // What the last sink was told; cancelled when the wait was abandoned. One call for each sink.
  boost::asio::awaitable<result<std::vector<float>>> next();
  void abandon();
  bool abandoned() const;

 private:
  void arrive(result<std::vector<float>> vector);

  boost::asio::steady_timer arrival_;  // cancelled by it
  std::optional<result<std::vector<float>>> answer_;
  mutable std::mutex mutex_;
  bool abandoned_ = false;  // guarded by mutex_
};

// Abandons the wait when the coroutine ends, however it ends.
class EmbeddingWaitGuard {
 public:
  explicit EmbeddingWaitGuard(std::shared_ptr<EmbeddingWait> wait) : wait_(std::move(wait)) {}
  ~EmbeddingWaitGuard() { wait_->abandon(); }
  EmbeddingWaitGuard(const EmbeddingWaitGuard&) = delete;
  EmbeddingWaitGuard& operator=(const EmbeddingWaitGuard&) = delete;

 private:
  std::shared_ptr<EmbeddingWait> wait_;
};

}  // namespace sovereign::server::openai
