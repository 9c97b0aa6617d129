// A server that speaks OpenAI's API as a backend: LM Studio, Ollama, vLLM, SGLang, llama-server, another
// Sovereign Runtime.
//
// Answers are asked for as streams, over connections that are kept. A request is sent a second time only
// when a kept connection turned out to be dead before the first byte of an answer. Cancelling closes the
// connection, which is how such servers notice. A query is asked on the loop that generate() is called from,
// and its sink is called there; with request batching, and from other threads, on the first loop.
//
// Failures: unavailable (cannot connect, connection lost, status 5xx, our key refused, model not there),
// deadline_exceeded (a timeout of the configuration), resource_exhausted (429, with its Retry-After),
// corrupt (not an answer, or more than fits the buffers), invalid_argument (400, 413, 422: the server's own
// words), not_found (the model that the client named is not there). A request's own deadline ends it as
// FinishReason::deadline.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gateway/backend.h"
#include "gateway/remote_config.h"
#include "net/event_loops.h"

namespace sovereign::gateway {

class OpenAiBackend final : public Backend {
 public:
  // The loops outlive it. Errors: as base_url(), read_secret(), HttpClient::prepare_tls() and, with
  // batch_size, PromptTemplate::find().
  static result<std::shared_ptr<OpenAiBackend>> create(RemoteConfig config, net::EventLoops& loops);
  // Ends what is under way.
  ~OpenAiBackend() override;
  OpenAiBackend(const OpenAiBackend&) = delete;
  OpenAiBackend& operator=(const OpenAiBackend&) = delete;

  // Not settled where no model is configured: identity_of() follows the one that the server has.
  const BackendIdentity& identity() const override { return identity_; }
  BackendIdentity identity_of(const std::string& model) const override;
  BackendCapabilities capabilities() const override { return {}; }
  outcome<std::uint64_t> generate(GenerateRequest request, std::shared_ptr<GenerateSink> sink) override;
  void cancel(std::uint64_t generation) noexcept override;
  // GET /models. A server that has no such route (404, 405), or no time for it (429), is well where its model
  // is known without.
  void probe(std::function<void(ProbeReport)> done) override;

  std::optional<BatchFigures> batch_figures() const override;

  const std::string& url() const;

 private:
  struct Parts;
  OpenAiBackend(std::unique_ptr<const Parts> parts, BackendIdentity identity);

  std::unique_ptr<const Parts> parts_;
  BackendIdentity identity_;
};

}  // namespace sovereign::gateway
