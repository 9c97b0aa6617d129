#include "runtime/side_generation.h"

#include <utility>

namespace sovereign::runtime {

void SideGeneration::begin(const std::shared_ptr<gateway::Backend>& backend,
                           gateway::GenerateRequest request) {
  request.whole = true;
  backend_ = backend;
  answer_.by = backend->identity().digest;
  const auto generation = backend->generate(std::move(request), shared_from_this());
  if (!generation) {
    answer_.error = generation.error();
    answer_.finish = engine::FinishReason::error;
    run_->post([self = shared_from_this()] { self->finish(); });
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    generation_ = *generation;
    if (!stopped_) return;
  }
  backend->cancel(*generation);
}

void SideGeneration::stop() {
  std::optional<std::uint64_t> generation;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    generation = generation_;
  }
  if (!generation) return;
  if (const auto backend = backend_.lock()) backend->cancel(*generation);
}

void SideGeneration::on_redirect(const gateway::BackendIdentity& by) noexcept { answer_.by = by.digest; }

void SideGeneration::on_begin(std::shared_ptr<const gateway::AnswerSyntax> syntax) noexcept {
  syntax_ = std::move(syntax);
}

void SideGeneration::on_delta(engine::GenerationDelta delta) noexcept {
  answer_.text += delta.text;
  answer_.tokens += delta.tokens;
  if (delta.log_likelihoods.empty()) {
    for (const auto& token : delta.logprobs) answer_.log_likelihoods.push_back(token.chosen.logprob);
  }
  answer_.log_likelihoods.insert(answer_.log_likelihoods.end(), delta.log_likelihoods.begin(),
                                 delta.log_likelihoods.end());
  if (delta.finish) answer_.finish = *delta.finish;
}

void SideGeneration::on_done(const engine::GenerationSummary& summary) noexcept {
  answer_.summary = summary;
  if (summary.error) answer_.error = *summary.error;
  run_->post([self = shared_from_this()] { self->finish(); });
}

void SideGeneration::on_failure(const gateway::Failure& failure) noexcept {
  answer_.error = failure;
  run_->post([self = shared_from_this()] { self->finish(); });
}

void SideGeneration::finish() {
  if (syntax_) answer_.text = syntax_->read(answer_.text, false).content;
  // Whoever is told may hold this object: the function must not outlive its one call.
  const Done done = std::exchange(done_, nullptr);
  done(std::move(answer_));
}

}  // namespace sovereign::runtime
