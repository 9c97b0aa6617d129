// A server's answer on its way to the connection that waits for it, as its query's answer would come.
#pragma once

#include <memory>
#include <optional>

#include "gateway/backend.h"
#include "runtime/query_client.h"

namespace sovereign::server::openai {

// Calls come as GenerateSink says, and are passed on in the same stack.
class RelaySink final : public gateway::GenerateSink {
 public:
  // `client` is told deltas, whose text is the answer's own, and an empty result at the end.
  explicit RelaySink(std::shared_ptr<runtime::QueryClient> client) : client_(std::move(client)) {}

  void on_redirect(const gateway::BackendIdentity& by) noexcept override;
  void on_begin(std::shared_ptr<const gateway::AnswerSyntax> syntax) noexcept override;
  void on_delta(engine::GenerationDelta delta) noexcept override;
  void on_done(const engine::GenerationSummary& summary) noexcept override;
  void on_failure(const gateway::Failure& failure) noexcept override { client_->on_failure(failure); }

 private:
  const std::shared_ptr<runtime::QueryClient> client_;
  runtime::Beginning beginning_;
  std::optional<engine::FinishReason> broken_;  // it was not the server that ended the answer
};

}  // namespace sovereign::server::openai
