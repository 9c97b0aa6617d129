// A llama.cpp model and context for the tests, with or without our kernels.
#pragma once

#include <llama.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/ggml_attention.h"
#include "kernels/ggml_weights.h"
#include "support/test_model.h"

namespace sovereign::kernels {

// With kernels of ours, flash attention is ours too. Without flash attention, equal bits take a sequence's
// cells in the same places.
class TestContext {
 public:
  explicit TestContext(const KernelSet* kernels, int threads = 1,
                       llama_flash_attn_type flash = LLAMA_FLASH_ATTN_TYPE_DISABLED,
                       const std::filesystem::path& file = sovereign::testing::test_model_path())
      : attention_(kernels == nullptr ? nullptr : fast_attention()) {
    llama_backend_init();
    llama_model_params model = llama_model_default_params();
    model.n_gpu_layers = 0;
    {
      const Offer offer(kernels);
      model_ = llama_model_load_from_file(file.c_str(), model);
    }
    llama_context_params context = llama_context_default_params();
    context.n_ctx = 2048;
    context.n_batch = context.n_ubatch = 512;
    context.n_seq_max = 16;
    context.n_threads = context.n_threads_batch = threads;
    context.kv_unified = true;
    context.flash_attn_type = flash;
    context_ = llama_init_from_model(model_, context);
    if (context_ == nullptr) throw std::runtime_error("no context");
  }
  ~TestContext() {
    llama_free(context_);
    llama_model_free(model_);
  }
  TestContext(const TestContext&) = delete;
  TestContext& operator=(const TestContext&) = delete;

  std::vector<llama_token> tokens_of(const std::string& text) const {
    std::vector<llama_token> tokens(text.size() + 2);
    const int count =
        llama_tokenize(llama_model_get_vocab(model_), text.data(), static_cast<int>(text.size()),
                       tokens.data(), static_cast<int>(tokens.size()), true, false);
    tokens.resize(static_cast<std::size_t>(count));
    return tokens;
  }

  // From now on flash attention is this, or ggml's (nullptr), whoever multiplies.
  void attend_with(const AttentionKernels* attention) { attention_ = attention; }

  void clear() { llama_memory_clear(llama_get_memory(context_), true); }

  struct Row {
    llama_token token;
    int position;
    int sequence;
  };

  // Decodes rows together; the logits of all, one after another.
  std::vector<float> decode(const std::vector<Row>& rows) {
    llama_batch batch = llama_batch_init(static_cast<int>(rows.size()), 0, 1);
    for (const Row& row : rows) {
      const int i = batch.n_tokens++;
      batch.token[i] = row.token;
      batch.pos[i] = row.position;
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = row.sequence;
      batch.logits[i] = 1;
    }
    use_attention(attention_);
    const int status = llama_decode(context_, batch);
    llama_batch_free(batch);
    if (status != 0) throw std::runtime_error("llama_decode failed");
    const float* logits = llama_get_logits(context_);
    return {logits, logits + rows.size() * vocabulary()};
  }

  // Logits of every position of a text that is alone, computed in chunks.
  std::vector<float> logits_of(const std::vector<llama_token>& tokens, std::size_t chunk) {
    clear();
    std::vector<float> all;
    for (std::size_t begin = 0; begin < tokens.size(); begin += chunk) {
      std::vector<Row> rows;
      for (std::size_t i = begin; i < std::min(tokens.size(), begin + chunk); ++i) {
        rows.push_back({tokens[i], static_cast<int>(i), 0});
      }
      const std::vector<float> part = decode(rows);
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }

  std::size_t vocabulary() const {
    return static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_)));
  }

 private:
  const AttentionKernels* attention_;
  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
};

// -log p(next token) at each position but the last; their mean is the logarithm of the perplexity.
inline std::vector<double> losses(const std::vector<float>& logits, const std::vector<llama_token>& tokens) {
  const std::size_t vocabulary = logits.size() / tokens.size();
  std::vector<double> all;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const float* row = logits.data() + i * vocabulary;
    double total = 0;
    for (std::size_t t = 0; t < vocabulary; ++t) total += std::exp(static_cast<double>(row[t]));
    all.push_back(std::log(total) - static_cast<double>(row[tokens[i + 1]]));
  }
  return all;
}

}  // namespace sovereign::kernels
