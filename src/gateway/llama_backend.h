// The engine in this process as a backend.
#pragma once

#include <memory>

#include "engine/engine_config.h"
#include "engine/inference_engine.h"
#include "engine/llama_model.h"
#include "gateway/backend.h"

namespace sovereign::gateway {

// What an answer of the embedded engine depends on besides the query: "sha256:…" over the digest of the
// model file's bytes (`weights`), the chat template, and the settings that change arithmetic or length.
std::string answer_digest(const Sha256Digest& weights, const engine::ChatFormat& format,
                          const engine::EngineConfig& config);

// The same one by one, as receipts name them: whoever sets these again, and has the file, gets the same
// answer to the same question, as far as docs/proof.md says.
std::map<std::string, std::string> answer_settings(const engine::ChatFormat& format,
                                                   const engine::EngineConfig& config);

// How an engine is. Never blocks.
ProbeReport probe_engine(const engine::InferenceEngine& engine, Duration stall_after, Time now);

class LlamaBackend final : public Backend {
 public:
  // Nothing here is null. An engine that has work and does not finish a step for `stall_after` is not well;
  // zero: it is always waited for.
  LlamaBackend(BackendIdentity identity, std::shared_ptr<const engine::LlamaModel> model,
               std::shared_ptr<const engine::ChatFormat> format,
               std::shared_ptr<engine::InferenceEngine> engine, Duration stall_after = {});

  const BackendIdentity& identity() const override { return identity_; }
  BackendCapabilities capabilities() const override;
  outcome<std::uint64_t> generate(GenerateRequest request, std::shared_ptr<GenerateSink> sink) override;
  void cancel(std::uint64_t generation) noexcept override { engine_->cancel(generation); }
  // Answers at once.
  void probe(std::function<void(ProbeReport)> done) override;

 private:
  BackendIdentity identity_;
  std::shared_ptr<const engine::LlamaModel> model_;
  std::shared_ptr<const engine::ChatFormat> format_;
  std::shared_ptr<engine::InferenceEngine> engine_;
  Duration stall_after_;
};

}  // namespace sovereign::gateway
