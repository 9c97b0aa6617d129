// One place where answers come from: the embedded engine, another server, a script in tests.
//
// A backend takes a conversation, not tokens: templates and vocabularies are its own business, so that the
// runtime above asks a local model and a remote one alike. All calls are thread-safe; generate() may take
// as long as rendering and tokenizing do (worker threads).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/sha256.h"
#include "engine/chat_format.h"
#include "engine/generation.h"
#include "gateway/backend_status.h"
#include "gateway/failure.h"
#include "gateway/relay.h"
#include "gateway/tier.h"

namespace sovereign::gateway {

// Who answers. Two backends with one `digest` give the same answer to the same reproducible question.
struct BackendIdentity {
  std::string model;        // what clients call it
  std::string fingerprint;  // OpenAI's system_fingerprint
  std::string digest;       // "sha256:…" over weights, chat template and settings that change answers
  bool tells_date = false;  // the chat template writes today's date into the prompt
  // For receipts: SHA-256 of the model's file, none where the model is somewhere else; and what changes
  // answers beside it, by name (a-z 0-9 _).
  std::optional<Sha256Digest> weights{};
  std::map<std::string, std::string> settings{};
  // False: which model answers turns out as it is asked. Then nothing is found or kept under this identity.
  bool settled = true;
  // As the gateway has it; without one everything is answered in this process.
  Tier tier = Tier::edge;
};

struct BackendCapabilities {
  std::uint32_t context_tokens = 0;   // prompt and answer of one sequence; 0: not known
  std::uint32_t vocabulary_size = 0;  // likewise
};

struct GenerateRequest {
  engine::ChatInput input;
  std::uint32_t n = 1;
  std::uint32_t max_tokens = 0;  // per choice; 0: until the context is full
  std::vector<std::string> stop;
  bool ignore_eos = false;
  engine::SamplingParams sampling;  // the grammar is in `input`
  // One of the backend's several models, which the client named; empty: the one it answers with anyway.
  std::string model{};
  // The client chose who answers. Else what it says of tokens (logit_bias) may be of another vocabulary.
  bool named = true;
  std::optional<Time> deadline;
  // Another backend can be asked if this one has no token by then; within `deadline`.
  std::optional<Time> first_token_by{};
  // Nobody sees the answer before its end: one that breaks off may be begun anew elsewhere.
  bool whole = false;
  // What is asked is no conversation but this, of a server elsewhere: then of all above only `model` and the
  // times count, and the text of each delta is an event's data or the whole body, as they came.
  std::shared_ptr<const Relay> relay{};
};

// How the text of deltas becomes a message, where it is more than the content: tool calls, reasoning.
// Immutable, thread-safe.
class AnswerSyntax {
 public:
  virtual ~AnswerSyntax() = default;
  // Reads the text so far; never fails. `partial`: more may come.
  virtual engine::ChatMessage read(std::string_view text, bool partial) const = 0;
};

// Receives a generation. on_begin() comes first, at the latest with the first delta; then deltas; then
// exactly one of on_done() and on_failure(). A failure may also come alone. Calls come from any thread, one
// at a time, perhaps before generate() has returned. All must return at once.
class GenerateSink : public engine::GenerationSink {
 public:
  // Another answers than the backend that was asked, or than identity_of() said then; before on_begin().
  virtual void on_redirect(const BackendIdentity&) noexcept {}
  // How the text of the deltas is to be read; null: it is the content as it stands.
  virtual void on_begin(std::shared_ptr<const AnswerSyntax> syntax) noexcept = 0;
  // The end comes next, and another sink was told of it: of several queries that shared one call, a breaker
  // counts the call's answer, or its failure, once.
  virtual void on_repeat() noexcept {}
  // There is no answer, or no more of it.
  virtual void on_failure(const Failure& failure) noexcept {
    engine::GenerationSummary summary;
    summary.error = failure;
    on_done(summary);
  }
};

struct ProbeReport {
  ProbeOutcome outcome = ProbeOutcome::well;
  std::string detail;               // what went wrong, for people
  std::vector<std::string> models;  // that it offers
  std::string model{};              // the one of them that it answers with, where nobody named one
};

// Of a backend that asks for several queries in one call.
struct BatchFigures {
  std::uint64_t batches = 0;  // calls with a list of prompts, were it of one
  std::uint64_t prompts = 0;  // of them all
  std::uint64_t refused = 0;  // that were asked once more, each prompt alone
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const BackendIdentity& identity() const = 0;
  // As which it answers when it is asked for that one of its models (GenerateRequest::model); with an empty
  // name, as things stand now.
  virtual BackendIdentity identity_of(const std::string& /*model*/) const { return identity(); }
  virtual BackendCapabilities capabilities() const = 0;
  // Whether its last owner may end an engine. An engine holds its sinks: what they hold, and an engine's own
  // thread may be the last to let go of, must own no such backend.
  virtual bool owns_engine() const { return true; }

  // Begins a generation and gives its number, for cancel(). After an error nothing more comes to the sink.
  // Errors: invalid_argument (with the message at fault; reason "context_length_exceeded"),
  // resource_exhausted, unavailable, unsupported.
  virtual outcome<std::uint64_t> generate(GenerateRequest request, std::shared_ptr<GenerateSink> sink) = 0;
  // The generation ends soon, with on_done(). Unknown numbers are ignored.
  virtual void cancel(std::uint64_t generation) noexcept = 0;

  // None: it makes no batches.
  virtual std::optional<BatchFigures> batch_figures() const { return std::nullopt; }

  // Looks whether it could answer. `done` is called once, from any thread, perhaps before probe() returns.
  virtual void probe(std::function<void(ProbeReport)> done) { done({}); }
};

}  // namespace sovereign::gateway
