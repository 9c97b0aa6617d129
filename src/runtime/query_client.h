// Who asked a query, as the runtime sees it: where the answer goes while it grows, and how it ends.
//
// on_accepted() comes first and at most once; then on_begin() and deltas, when the answer is being made;
// then exactly one of on_result() and on_failure(), after which nothing follows. A found answer has no
// deltas. Calls come from any thread, one at a time, some of them from an engine's: they must return at
// once, and only on_accepted() may call `leave` itself.
#pragma once

#include <functional>
#include <memory>

#include "engine/generation.h"
#include "gateway/failure.h"
#include "runtime/result.h"

namespace sovereign::gateway {
class AnswerSyntax;
}

namespace sovereign::runtime {

struct Beginning {
  std::shared_ptr<const gateway::AnswerSyntax>
      syntax;  // how to read the deltas; null: the text is the content
  CacheNote cached;
  // Who answers, when it is another than the backend that was asked.
  std::string model_used;
  std::string fingerprint;
  std::string variant;  // the canary whose variant answers; empty: none
};

class QueryClient {
 public:
  virtual ~QueryClient() = default;

  // `leave` says that the client is gone: work that nobody else waits for ends, and its failure is told.
  // Thread-safe, also after the end; it keeps nothing alive.
  virtual void on_accepted(std::function<void()> leave) noexcept = 0;
  virtual void on_begin(const Beginning& beginning) noexcept = 0;
  virtual void on_delta(engine::GenerationDelta delta) noexcept = 0;
  virtual void on_result(std::shared_ptr<const SovereignResult> result) noexcept = 0;
  virtual void on_failure(const gateway::Failure& failure) noexcept = 0;
};

}  // namespace sovereign::runtime
