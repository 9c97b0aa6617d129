#include "server/openai/relay_sink.h"

#include <utility>

#include "runtime/stages/inference.h"

namespace sovereign::server::openai {

void RelaySink::on_redirect(const gateway::BackendIdentity& by) noexcept {
  beginning_.model_used = by.model;
  beginning_.fingerprint = by.fingerprint;
}

void RelaySink::on_begin(std::shared_ptr<const gateway::AnswerSyntax> /*syntax*/) noexcept {
  client_->on_begin(beginning_);
}

void RelaySink::on_delta(engine::GenerationDelta delta) noexcept {
  if (delta.finish) broken_ = delta.finish;
  if (!delta.text.empty()) client_->on_delta(std::move(delta));
}

void RelaySink::on_done(const engine::GenerationSummary& summary) noexcept {
  if (broken_) {
    if (const auto failure = runtime::failure_of(*broken_, summary.error))
      return client_->on_failure(*failure);
  }
  client_->on_result(std::make_shared<const runtime::SovereignResult>());
}

}  // namespace sovereign::server::openai
