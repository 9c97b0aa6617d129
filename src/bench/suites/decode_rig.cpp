#include "bench/suites/decode_rig.h"

#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "kernels/ggml_attention.h"
#include "kernels/ggml_weights.h"

namespace sovereign::bench {
namespace {

constexpr int kMaxTokens = 512;
constexpr int kPromptTokens = 16;
constexpr std::uint32_t kMaxSequences = 32;

// Rows of one llama_batch; the arrays live as long as this.
class Rows {
 public:
  void add(int position, int sequence, bool wanted) {
    add(1000 + (position * 37 + sequence * 101) % 20'000, position, sequence, wanted);
  }
  void add(llama_token token, int position, int sequence, bool wanted) {
    tokens_.push_back(token);
    positions_.push_back(position);
    sequences_.push_back(sequence);
    wanted_.push_back(wanted ? 1 : 0);
  }

  result<void> decode(llama_context* context) {
    std::vector<std::int32_t> counts(tokens_.size(), 1);
    std::vector<llama_seq_id*> ids;
    for (llama_seq_id& sequence : sequences_) ids.push_back(&sequence);
    const llama_batch batch{static_cast<std::int32_t>(tokens_.size()),
                            tokens_.data(),
                            nullptr,
                            positions_.data(),
                            counts.data(),
                            ids.data(),
                            wanted_.data()};
    if (llama_decode(context, batch) != 0) return fail(ErrorCode::internal, "llama_decode failed");
    llama_synchronize(context);
    return {};
  }

 private:
  std::vector<llama_token> tokens_;
  std::vector<llama_pos> positions_;
  std::vector<llama_seq_id> sequences_;
  std::vector<std::int8_t> wanted_;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

result<std::unique_ptr<DecodeRig>> DecodeRig::load(const std::filesystem::path& model, bool our_kernels,
                                                   std::uint32_t threads) {
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_backend_init();
  std::unique_ptr<DecodeRig> rig(new DecodeRig(our_kernels));
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = 0;
  {
    const kernels::Offer offer(our_kernels ? kernels::fast_kernels() : nullptr);
    rig->model_ = llama_model_load_from_file(model.c_str(), params);
    rig->panel_bytes_ = offer.panel_bytes();
  }
  if (rig->model_ == nullptr) {
    return fail(ErrorCode::unsupported, fmt::format("llama.cpp cannot load {}", model.string()));
  }
  // As the program does after loading.
  if (rig->panel_bytes_ > 0) kernels::release_mapped_pages(model);
  llama_context_params context = llama_context_default_params();
  context.n_ctx = 2048;
  context.n_batch = context.n_ubatch = kMaxTokens;
  context.n_seq_max = kMaxSequences;
  context.n_threads = context.n_threads_batch = static_cast<std::int32_t>(threads);
  context.kv_unified = true;
  context.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
  rig->context_ = llama_init_from_model(rig->model_, context);
  if (rig->context_ == nullptr) return fail(ErrorCode::unsupported, "llama.cpp makes no context");
  return rig;
}

DecodeRig::~DecodeRig() {
  llama_free(context_);
  llama_model_free(model_);
}

result<double> DecodeRig::prefill(int tokens) {
  clear();
  Rows rows;
  for (int i = 0; i < tokens; ++i) rows.add(i, 0, i == tokens - 1);
  const auto start = std::chrono::steady_clock::now();
  if (auto done = rows.decode(context_); !done) return fail(done.error());
  return seconds_since(start);
}

result<double> DecodeRig::decode(int sequences, int steps) {
  clear();
  Rows prompts;
  for (int s = 0; s < sequences; ++s) {
    for (int i = 0; i < kPromptTokens; ++i) prompts.add(i, s, false);
  }
  if (auto done = prompts.decode(context_); !done) return fail(done.error());
  const auto start = std::chrono::steady_clock::now();
  for (int step = 0; step < steps; ++step) {
    Rows rows;
    for (int s = 0; s < sequences; ++s) rows.add(kPromptTokens + step, s, true);
    if (auto done = rows.decode(context_); !done) return fail(done.error());
  }
  return seconds_since(start);
}

std::vector<std::int32_t> DecodeRig::tokens_of(const std::string& text) const {
  std::vector<llama_token> tokens(text.size() + 1);
  const int count = llama_tokenize(llama_model_get_vocab(model_), text.data(), static_cast<int>(text.size()),
                                   tokens.data(), static_cast<int>(tokens.size()), false, false);
  tokens.resize(static_cast<std::size_t>(std::max(count, 0)));
  return tokens;
}

result<std::vector<double>> DecodeRig::losses(std::span<const std::int32_t> tokens) {
  clear();
  Rows rows;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    rows.add(tokens[i], static_cast<int>(i), 0, i + 1 < tokens.size());
  }
  if (auto done = rows.decode(context_); !done) return fail(done.error());
  const auto vocabulary = static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_)));
  std::vector<double> all;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const float* logits = llama_get_logits_ith(context_, static_cast<std::int32_t>(i));
    const float largest = *std::max_element(logits, logits + vocabulary);
    double total = 0;
    for (std::size_t t = 0; t < vocabulary; ++t) total += std::exp(logits[t] - largest);
    all.push_back(std::log(total) - static_cast<double>(logits[tokens[i + 1]] - largest));
  }
  return all;
}

void DecodeRig::clear() {
  llama_memory_clear(llama_get_memory(context_), true);
  kernels::use_attention(ours_ ? kernels::fast_attention() : nullptr);
}

std::uint64_t DecodeRig::parameters() const { return llama_model_n_params(model_); }

std::uint64_t DecodeRig::head_parameters() const {
  const int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model_));
  return static_cast<std::uint64_t>(vocabulary) * static_cast<std::uint64_t>(llama_model_n_embd(model_));
}

}  // namespace sovereign::bench
