#include "engine/decoder.h"

#include <ggml-cpu.h>
#include <llama.h>
#include <sched.h>

#include <algorithm>
#include <cassert>
#include <fstream>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "engine/llama_model.h"

namespace sovereign::engine {

// The arrays of a llama_batch, kept from step to step.
struct Decoder::Batch {
  std::vector<llama_token> tokens;
  std::vector<llama_pos> positions;
  std::vector<std::int32_t> sequence_counts;
  std::vector<llama_seq_id> sequences;
  std::vector<llama_seq_id*> sequence_lists;
  std::vector<std::int8_t> outputs;

  explicit Batch(std::size_t capacity)
      : tokens(capacity),
        positions(capacity),
        sequence_counts(capacity, 1),
        sequences(capacity),
        sequence_lists(capacity),
        outputs(capacity) {
    for (std::size_t i = 0; i < capacity; ++i) sequence_lists[i] = &sequences[i];
  }

  llama_batch fill(std::span<const Row> rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      tokens[i] = rows[i].token;
      positions[i] = static_cast<llama_pos>(rows[i].position);
      sequences[i] = static_cast<llama_seq_id>(rows[i].slot);
      outputs[i] = rows[i].wants_logits ? 1 : 0;
    }
    return {static_cast<std::int32_t>(rows.size()),
            tokens.data(),
            nullptr,
            positions.data(),
            sequence_counts.data(),
            sequence_lists.data(),
            outputs.data()};
  }
};

result<std::unique_ptr<Decoder>> Decoder::create(const LlamaModel& model, const EngineConfig& config,
                                                 Decoder* threads_of) {
  std::unique_ptr<Decoder> decoder(new Decoder);
  const auto threads = static_cast<int>(config.threads == 0 ? default_compute_threads() : config.threads);

  llama_context_params params = llama_context_default_params();
  params.n_ctx = config.kv_cells;
  params.n_batch = config.step_token_budget;
  params.n_ubatch = config.step_token_budget;
  params.n_seq_max = config.max_sequences + config.max_cached_prefixes;
  // llama.cpp wants one for each sequence; the default is n_batch.
  params.n_outputs_max =
      params.n_seq_max + (config.speculation == Speculation::off ? 0 : config.step_draft_tokens);
  params.n_threads = threads;
  params.n_threads_batch = threads;
  params.kv_unified = true;  // cells that several sequences can share
  params.swa_full = true;    // sliding-window layers keep all cells, or prefixes could not be shared
  params.flash_attn_type =
      config.flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.no_perf = true;
  params.abort_callback = [](void* self) {
    return static_cast<Decoder*>(self)->aborted_.load(std::memory_order_relaxed);
  };
  params.abort_callback_data = decoder.get();

  decoder->context_ = llama_init_from_model(model.handle(), params);
  if (decoder->context_ == nullptr) {
    return fail(ErrorCode::resource_exhausted,
                fmt::format("no memory for a KV cache of {} tokens and its buffers; lower engine.kv_cells",
                            config.kv_cells),
                "engine.kv_cells");
  }

  ggml_threadpool_params pool_params = ggml_threadpool_params_default(threads);
  decoder->owns_threads_ = threads_of == nullptr;
  decoder->threads_ = threads_of == nullptr ? ggml_threadpool_new(&pool_params) : threads_of->threads_;
  if (decoder->threads_ == nullptr) {
    return fail(ErrorCode::resource_exhausted, fmt::format("cannot start {} compute threads", threads),
                "engine.threads");
  }
  llama_attach_threadpool(decoder->context_, decoder->threads_, decoder->threads_);

  decoder->vocabulary_size_ = model.info().vocabulary_size;
  decoder->batch_ = std::make_unique<Batch>(config.step_token_budget);
  return decoder;
}

Decoder::~Decoder() {
  if (context_ != nullptr) llama_free(context_);
  if (threads_ != nullptr && owns_threads_) ggml_threadpool_free(threads_);
}

void Decoder::apply(const KvOp& op) {
  llama_memory_t memory = llama_get_memory(context_);
  const auto slot = static_cast<llama_seq_id>(op.slot);
  const auto length = static_cast<llama_pos>(op.length);
  switch (op.kind) {
    case KvOp::Kind::trim: {
      [[maybe_unused]] const bool removed = llama_memory_seq_rm(memory, slot, length == 0 ? -1 : length, -1);
      assert(removed);
      break;
    }
    case KvOp::Kind::share:
      llama_memory_seq_cp(memory, static_cast<llama_seq_id>(op.from), slot, 0, length);
      break;
  }
}

result<void> Decoder::decode(std::span<const Row> rows) {
  const int status = llama_decode(context_, batch_->fill(rows));
  if (status == 0) return {};
  if (aborted_.load(std::memory_order_relaxed)) return fail(ErrorCode::cancelled, "the engine is stopping");
  return fail(ErrorCode::internal,
              fmt::format("llama_decode of {} tokens failed with status {}", rows.size(), status));
}

std::span<float> Decoder::logits(std::size_t index) {
  float* row = llama_get_logits_ith(context_, static_cast<std::int32_t>(index));
  assert(row != nullptr);
  return {row, vocabulary_size_};
}

std::uint32_t default_compute_threads() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 1;
  // Two hardware threads of one core have the same list of siblings; they share its vector units, so a
  // second compute thread there only gets in the way.
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::string siblings = std::to_string(cpu);
    std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
    std::getline(file, siblings);
    cores.insert(siblings.empty() ? std::to_string(cpu) : siblings);
  }
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(cores.size()));
}

}  // namespace sovereign::engine
