#include "gateway/llama_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/sha256.h"
#include "kernels/ggml_weights.h"
#include "kernels/kernel_set.h"

namespace sovereign::gateway {
namespace {

Failure context_length_exceeded(std::size_t prompt_tokens, std::uint32_t context_tokens, bool at_least) {
  return {ErrorCode::invalid_argument,
          fmt::format("The prompt has {}{} tokens, but this model's maximum context length is {} tokens, "
                      "prompt and output together. Shorten the prompt.",
                      at_least ? "at least " : "", prompt_tokens, context_tokens),
          "messages", std::string(kContextLengthExceeded)};
}

// Which matrix products answer: what is configured counts only where this CPU and this build can.
const char* kernels_of(const engine::EngineConfig& config) {
  const bool own = config.kernels == engine::Kernels::automatic && kernels::can_offer() &&
                   kernels::fast_kernels() != nullptr;
  return own ? "own" : "stock";
}

class ChatFormatSyntax final : public AnswerSyntax {
 public:
  explicit ChatFormatSyntax(std::shared_ptr<const engine::ChatSyntax> syntax) : syntax_(std::move(syntax)) {}
  engine::ChatMessage read(std::string_view text, bool partial) const override {
    return engine::ChatFormat::parse(*syntax_, text, partial);
  }

 private:
  std::shared_ptr<const engine::ChatSyntax> syntax_;
};

}  // namespace

std::string answer_digest(const Sha256Digest& weights, const engine::ChatFormat& format,
                          const engine::EngineConfig& config) {
  Sha256 all;
  all.update(to_hex(weights));
  all.update(fmt::format("|context {}|flash_attention {}|gpu_layers {}|kernels {}|deterministic {}|",
                         config.context_tokens, config.flash_attention, config.gpu_layers, kernels_of(config),
                         config.deterministic));
  all.update(format.template_source());
  return "sha256:" + to_hex(all.finish());
}

std::map<std::string, std::string> answer_settings(const engine::ChatFormat& format,
                                                   const engine::EngineConfig& config) {
  return {{"chat_template", sha256_hex(format.template_source())},
          {"context_tokens", fmt::format("{}", config.context_tokens)},
          {"deterministic", fmt::format("{}", config.deterministic)},
          {"flash_attention", fmt::format("{}", config.flash_attention)},
          {"gpu_layers", fmt::format("{}", config.gpu_layers)},
          {"kernels", kernels_of(config)},
          {"step_token_budget", fmt::format("{}", config.step_token_budget)}};
}

LlamaBackend::LlamaBackend(BackendIdentity identity, std::shared_ptr<const engine::LlamaModel> model,
                           std::shared_ptr<const engine::ChatFormat> format,
                           std::shared_ptr<engine::InferenceEngine> engine, Duration stall_after)
    : identity_(std::move(identity)),
      model_(std::move(model)),
      format_(std::move(format)),
      engine_(std::move(engine)),
      stall_after_(stall_after) {}

BackendCapabilities LlamaBackend::capabilities() const {
  return {engine_->context_tokens(), model_->info().vocabulary_size};
}

ProbeReport probe_engine(const engine::InferenceEngine& engine, Duration stall_after, Time now) {
  const Duration stalled = engine.stalled_for(now);
  if (stall_after != Duration::zero() && stalled > stall_after) {
    const auto seconds = std::chrono::duration<double>(stalled).count();
    return {ProbeOutcome::failed,
            fmt::format("it has work, and has not finished a step for {:.1f} s", seconds),
            {}};
  }
  auto status = engine.status();
  switch (status.state) {
    case engine::EngineStatus::State::ready: break;
    case engine::EngineStatus::State::cold: return {ProbeOutcome::none, {}, {}};
    case engine::EngineStatus::State::loading: return {ProbeOutcome::loading, {}, {}};
    case engine::EngineStatus::State::failed: return {ProbeOutcome::failed, std::move(status.detail), {}};
  }
  return {};
}

void LlamaBackend::probe(std::function<void(ProbeReport)> done) {
  done(probe_engine(*engine_, stall_after_, SteadyClock().now()));
}

outcome<std::uint64_t> LlamaBackend::generate(GenerateRequest request, std::shared_ptr<GenerateSink> sink) {
  if (request.relay) {
    return tl::unexpected<Failure>(
        {ErrorCode::unsupported, "A model in this process takes no request in its client's words."});
  }
  // What names tokens was checked against this vocabulary only when this model was the one that was asked.
  const auto vocabulary_size = model_->info().vocabulary_size;
  for (const auto& [token, bias] : request.sampling.logit_bias) {
    if (token >= 0 && static_cast<std::uint32_t>(token) < vocabulary_size) continue;
    return tl::unexpected<Failure>(
        {ErrorCode::invalid_argument,
         fmt::format("'logit_bias' has the key '{}', which is not a token id below {}.", token,
                     vocabulary_size),
         "logit_bias"});
  }
  request.sampling.penalty_last_n =
      std::min(request.sampling.penalty_last_n, static_cast<std::int32_t>(engine_->context_tokens()));
  auto prompt = format_->render(request.input);
  if (!prompt) {
    auto error = prompt.error();
    if (error.where.empty()) error.where = "messages";
    return tl::unexpected<Failure>(std::move(error));
  }
  const auto context = engine_->context_tokens();
  const auto least = model_->least_tokens(prompt->prompt.size());
  if (least >= context) return tl::unexpected<Failure>(context_length_exceeded(least, context, true));
  engine::GenerationRequest generation;
  generation.prompt = format_->tokens(*prompt);
  if (generation.prompt.empty()) {
    return tl::unexpected<Failure>(
        {ErrorCode::invalid_argument, "'messages' must not be empty.", "messages"});
  }
  if (generation.prompt.size() >= context) {
    return tl::unexpected<Failure>(context_length_exceeded(generation.prompt.size(), context, false));
  }
  generation.n = request.n;
  generation.max_tokens = request.max_tokens;
  generation.sampling = std::move(request.sampling);
  generation.sampling.grammar = std::move(prompt->grammar);
  generation.stop = std::move(request.stop);
  std::move(prompt->stop.begin(), prompt->stop.end(), std::back_inserter(generation.stop));
  generation.ignore_eos = request.ignore_eos;
  generation.deadline = request.deadline;
  const std::string constrained_by = !request.input.json_schema.empty()  ? "response_format"
                                     : !request.input.tools_json.empty() ? "tools"
                                                                         : "grammar";
  sink->on_begin(prompt->plain ? nullptr : std::make_shared<ChatFormatSyntax>(prompt->syntax));
  const auto id = engine_->submit(std::move(generation), std::move(sink));
  if (!id) {
    Failure failure(id.error());
    if (failure.where == "grammar") failure.where = constrained_by;
    return tl::unexpected<Failure>(std::move(failure));
  }
  return *id;
}

}  // namespace sovereign::gateway
