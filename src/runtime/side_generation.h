// A generation on the way to an answer, of which only the end is wanted: a thought, a judge's verdict.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gateway/backend.h"
#include "runtime/query_run.h"

namespace sovereign::runtime {

struct SideAnswer {
  std::string text;                    // the content, as the chat format reads it
  std::vector<float> log_likelihoods;  // per token; empty: the backend does not tell
  std::uint32_t tokens = 0;
  engine::FinishReason finish = engine::FinishReason::stop;
  engine::GenerationSummary summary;
  std::optional<gateway::Failure> error;  // it could not begin, or broke off
  std::string by;                         // BackendIdentity::digest of who wrote it; empty: nobody was asked
};

// Collects on the engine's thread, and tells the end on a worker. Thread-safe.
class SideGeneration final : public gateway::GenerateSink,
                             public std::enable_shared_from_this<SideGeneration> {
 public:
  using Done = std::function<void(SideAnswer)>;

  // `done` is called exactly once, by the run's post().
  SideGeneration(QueryRunPtr run, Done done) : run_(std::move(run)), done_(std::move(done)) {}
  // Once.
  void begin(const std::shared_ptr<gateway::Backend>& backend, gateway::GenerateRequest request);
  // It ends soon, as cancelled.
  void stop();

  void on_redirect(const gateway::BackendIdentity& by) noexcept override;
  void on_begin(std::shared_ptr<const gateway::AnswerSyntax> syntax) noexcept override;
  void on_delta(engine::GenerationDelta delta) noexcept override;
  void on_done(const engine::GenerationSummary& summary) noexcept override;
  void on_failure(const gateway::Failure& failure) noexcept override;

 private:
  void finish();

  const QueryRunPtr run_;
  Done done_;
  SideAnswer answer_;
  std::shared_ptr<const gateway::AnswerSyntax> syntax_;
  // Who was asked: numbers of generations are its own. Weak, as QueryRun::backend.
  std::weak_ptr<gateway::Backend> backend_;  // set by begin(), before generation_
  std::mutex mutex_;
  bool stopped_ = false;                     // guarded by mutex_
  std::optional<std::uint64_t> generation_;  // guarded by mutex_
};

}  // namespace sovereign::runtime
