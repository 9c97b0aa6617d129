#include "engine/engine.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "engine/determinism.h"
#include "engine/engine_loop.h"
#include "engine/llama_model.h"
#include "engine/vocabulary_match.h"

namespace sovereign::engine {

namespace {

result<EngineConfig> checked(EngineConfig config, const ModelInfo& model) {
  const auto bad = [](std::string message, std::string key) {
    return fail(ErrorCode::invalid_argument, std::move(message), std::move(key));
  };
  if (config.max_sequences == 0)
    return bad("engine.max_sequences must be at least 1", "engine.max_sequences");
  if (config.max_sequences + config.max_cached_prefixes > PrefixIndex::kMaxSlots) {
    return bad(fmt::format("engine.max_sequences + engine.max_cached_prefixes must be at most {}, not {}",
                           PrefixIndex::kMaxSlots, config.max_sequences + config.max_cached_prefixes),
               "engine.max_cached_prefixes");
  }
  if (config.step_token_budget < config.max_sequences) {
    return bad("engine.step_token_budget must be at least engine.max_sequences", "engine.step_token_budget");
  }
  if (model.train_context_tokens > 0 && config.context_tokens > model.train_context_tokens) {
    spdlog::warn("engine.context_tokens {} is more than the model was trained for; using {}",
                 config.context_tokens, model.train_context_tokens);
    config.context_tokens = model.train_context_tokens;
  }
  if (config.context_tokens < 2 || config.kv_cells < config.context_tokens) {
    return bad(
        fmt::format("engine.kv_cells ({}) must hold at least one sequence of engine.context_tokens ({}), "
                    "which must be at least 2",
                    config.kv_cells, config.context_tokens),
        "engine.kv_cells");
  }
  if (config.speculation != Speculation::off && !model.can_share_prefix) {
    spdlog::warn("engine.speculation is off: the state of '{}' cannot go back when a guess was wrong",
                 model.name);
    config.speculation = Speculation::off;
  }
  return config;
}

result<void> check_draft_model(const LlamaModel& target, const LlamaModel* draft) {
  const auto bad = [](std::string why) {
    return fail(ErrorCode::invalid_argument, std::move(why), "engine.draft_model");
  };
  if (draft == nullptr) return bad("engine.speculation = \"draft\" needs a model in engine.draft_model");
  if (!draft->info().can_generate || !draft->info().can_share_prefix) {
    return bad(
        fmt::format("'{}' cannot draft: it makes no text, or cannot take a token back", draft->info().name));
  }
  if (const auto difference = vocabulary_difference(target, *draft)) {
    return bad(
        fmt::format("'{}' cannot draft for '{}': {}", draft->info().name, target.info().name, *difference));
  }
  return {};
}

std::uint32_t fresh_seed() {
  thread_local std::random_device device;
  return device();
}

// The seed of a request that names none, in deterministic mode: one for each prompt (FNV-1a).
std::uint32_t seed_of(std::span<const Token> prompt) {
  std::uint32_t hash = 2166136261U;
  for (const Token token : prompt) hash = (hash ^ static_cast<std::uint32_t>(token)) * 16777619U;
  return hash;
}

}  // namespace

Engine::Engine(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Engine::~Engine() = default;

result<std::unique_ptr<Engine>> Engine::start(std::shared_ptr<const LlamaModel> model,
                                              const EngineConfig& config, const Clock& clock,
                                              std::shared_ptr<const LlamaModel> draft_model) {
  const auto usable = checked(config, model->info());
  if (!usable) return fail(usable.error());
  if (usable->deterministic && model->info().can_generate) {
    if (auto can = check_determinism(*model, *usable); !can) return fail(can.error());
  }
  if (usable->speculation == Speculation::draft) {
    if (auto can = check_draft_model(*model, draft_model.get()); !can) return fail(can.error());
  }
  auto loop = Loop::start(std::move(model), std::move(draft_model), *usable, clock);
  if (!loop) return fail(loop.error());
  return std::unique_ptr<Engine>(new Engine(std::move(*loop)));
}

result<RequestId> Engine::submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) {
  const ModelInfo& info = loop_->model->info();
  if (request.embed && !Embedder::available(*loop_->model, loop_->config)) {
    return fail(ErrorCode::unsupported,
                fmt::format("the model '{}' is not made for embeddings; serve one that is, or set "
                            "engine.embedding_pooling",
                            info.name),
                "model");
  }
  if (!request.embed && !info.can_generate) {
    return fail(ErrorCode::unsupported, fmt::format("the model '{}' makes embeddings, not text", info.name),
                "model");
  }
  if (loop_->draining.load(std::memory_order_relaxed)) {
    return fail(ErrorCode::unavailable, "the server is shutting down; try another one, or again later");
  }
  const std::size_t prompt = request.prompt.size();
  const std::uint32_t context = loop_->config.context_tokens;
  if (prompt == 0) return fail(ErrorCode::invalid_argument, "the prompt has no tokens", "prompt");
  if (request.embed && prompt > context) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the input has {} tokens; it may have {}", prompt, context), "input");
  }
  if (!request.embed && prompt >= context) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the prompt has {} tokens and the context {}: there is no room for an answer; "
                            "shorten the prompt or raise engine.context_tokens",
                            prompt, context),
                "prompt");
  }
  for (const Token token : request.prompt) {
    if (token < 0 || static_cast<std::uint32_t>(token) >= info.vocabulary_size) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("token {} is not in the vocabulary of {} tokens", token, info.vocabulary_size),
                  "prompt");
    }
  }
  const std::uint32_t most =
      request.embed ? 1 : std::min(GenerationTask::kMaxChoices, loop_->config.max_queued);
  if (request.n == 0 || request.n > most) {
    return fail(ErrorCode::invalid_argument, fmt::format("n must be between 1 and {}", most), "n");
  }
  auto token_limit = std::max(1U, context - static_cast<std::uint32_t>(prompt));
  if (request.max_tokens > 0) token_limit = std::min(token_limit, request.max_tokens);

  const std::uint32_t choices = request.n;
  if (loop_->queued.fetch_add(choices, std::memory_order_relaxed) + choices > loop_->config.max_queued) {
    loop_->queued.fetch_sub(choices, std::memory_order_relaxed);
    loop_->metrics.requests_refused.fetch_add(1, std::memory_order_relaxed);
    return fail(
        ErrorCode::resource_exhausted,
        fmt::format("the queue is full ({} requests wait); try again later", loop_->config.max_queued));
  }
  const RequestId id = loop_->last_request.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint32_t seed = loop_->config.deterministic ? seed_of(request.prompt) : fresh_seed();
  auto task = GenerationTask::create(id, std::move(request), std::move(sink), loop_->model, token_limit, seed,
                                     loop_->clock.now());
  if (!task) {
    loop_->queued.fetch_sub(choices, std::memory_order_relaxed);
    return fail(task.error());
  }
  loop_->open.fetch_add(1, std::memory_order_relaxed);
  loop_->metrics.requests_accepted.fetch_add(1, std::memory_order_relaxed);
  loop_->post(Loop::Submit{std::move(*task)});
  return id;
}

void Engine::cancel(RequestId id) noexcept { loop_->post(Loop::Cancel{id}); }

void Engine::drain() noexcept { loop_->draining.store(true, std::memory_order_relaxed); }

bool Engine::idle() const noexcept { return loop_->open.load(std::memory_order_acquire) == 0; }

void Engine::add_metrics(EngineMetrics& total) const { total.add(loop_->metrics); }

const EngineMetrics& Engine::metrics() const noexcept { return loop_->metrics; }

Duration Engine::stalled_for(Time now) const noexcept {
  const auto since = loop_->busy_since.load(std::memory_order_relaxed);
  if (since == Loop::kIdle) return Duration::zero();
  return std::max(Duration::zero(), now.time_since_epoch() - Duration(since));
}

const LlamaModel& Engine::model() const noexcept { return *loop_->model; }

std::uint32_t Engine::max_queued() const noexcept { return loop_->config.max_queued; }

std::uint32_t Engine::context_tokens() const noexcept { return loop_->config.context_tokens; }

}  // namespace sovereign::engine
