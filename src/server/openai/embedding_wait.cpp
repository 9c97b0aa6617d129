#include "server/openai/embedding_wait.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sovereign::server::openai {

namespace asio = boost::asio;

EmbeddingWait::EmbeddingWait(asio::any_io_executor executor)
    : arrival_(std::move(executor), asio::steady_timer::time_point::max()) {}

engine::EmbeddingSink EmbeddingWait::sink() {
  return [self = shared_from_this()](result<std::vector<float>> vector) {
    const std::lock_guard lock(self->mutex_);
    if (self->abandoned_) return;
    asio::post(self->arrival_.get_executor(),
               [self, vector = std::move(vector)]() mutable { self->arrive(std::move(vector)); });
  };
}

void EmbeddingWait::arrive(result<std::vector<float>> vector) {
  answer_ = std::move(vector);
  arrival_.cancel();
}

asio::awaitable<result<std::vector<float>>> EmbeddingWait::next() {
  while (!answer_ && !abandoned()) co_await arrival_.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!answer_) co_return fail(ErrorCode::cancelled, "the client left");
  auto answer = std::move(*answer_);
  answer_.reset();
  co_return answer;
}

void EmbeddingWait::abandon() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }
  arrival_.cancel();
}

bool EmbeddingWait::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_;
}

}  // namespace sovereign::server::openai
