// Who waits for an embedding, and is told once.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sovereign::engine {

// Called once, on any thread; must return at once.
using EmbeddingSink = std::function<void(result<std::vector<float>>)>;

// Tells the sink, or that there is no answer, when it goes away untold. Not thread-safe.
class EmbeddingAnswer {
 public:
  explicit EmbeddingAnswer(EmbeddingSink sink) : sink_(std::move(sink)) {}
  ~EmbeddingAnswer() {
    tell(fail(ErrorCode::unavailable, "the server is shutting down; try another one, or again later"));
  }
  EmbeddingAnswer(EmbeddingAnswer&& other) noexcept : sink_(std::exchange(other.sink_, nullptr)) {}
  EmbeddingAnswer& operator=(EmbeddingAnswer&&) = delete;

  void tell(result<std::vector<float>> answer) {
    if (const auto sink = std::exchange(sink_, nullptr)) sink(std::move(answer));
  }

 private:
  EmbeddingSink sink_;  // empty: told
};

}  // namespace sovereign::engine
