#include "roadmap_baselines/serial_lock.h"

#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <array>
#include <vector>

namespace sovereign::roadmap {
namespace {

void log_errors_only(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_ERROR) fmt::print(stderr, "{}", text);
}

}  // namespace

struct SerialLock::Llama {
  ~Llama() {
    if (context != nullptr) llama_free(context);
    if (model != nullptr) llama_model_free(model);
  }

  std::vector<llama_token> tokenize(std::string_view text) const {
    const llama_vocab* const vocab = llama_model_get_vocab(model);
    std::vector<llama_token> tokens(text.size() + 2);  // a token is at least a byte, but for BOS and EOS
    const int count = llama_tokenize(vocab, text.data(), static_cast<std::int32_t>(text.size()),
                                     tokens.data(), static_cast<std::int32_t>(tokens.size()), true, false);
    tokens.resize(static_cast<std::size_t>(std::max(count, 0)));
    return tokens;
  }

  llama_token best() const {
    const float* const logits = llama_get_logits_ith(context, -1);
    const int size = llama_vocab_n_tokens(llama_model_get_vocab(model));
    return static_cast<llama_token>(std::max_element(logits, logits + size) - logits);
  }

  result<std::uint32_t> generate(std::vector<llama_token> tokens, std::uint32_t max_tokens) {
    llama_memory_clear(llama_get_memory(context), false);
    const auto decode = [&](llama_token* first, std::size_t count) {
      return llama_decode(context, llama_batch_get_one(first, static_cast<std::int32_t>(count))) == 0;
    };
    if (!decode(tokens.data(), tokens.size()))
      return fail(ErrorCode::internal, "llama_decode failed on a prompt");
    llama_token token = best();
    for (std::uint32_t made = 1; made < max_tokens; ++made) {
      if (!decode(&token, 1)) return fail(ErrorCode::internal, "llama_decode failed on a token");
      token = best();
    }
    return max_tokens;
  }

  llama_model* model = nullptr;
  llama_context* context = nullptr;
};

SerialLock::SerialLock(std::unique_ptr<Llama> llama) : llama_(std::move(llama)) {}
SerialLock::~SerialLock() = default;

result<std::unique_ptr<SerialLock>> SerialLock::create(const std::filesystem::path& model,
                                                       const SerialLockConfig& config) {
  llama_log_set(log_errors_only, nullptr);
  auto llama = std::make_unique<Llama>();
  llama_model_params model_params = llama_model_default_params();
  model_params.n_gpu_layers = config.gpu_layers;
  std::array<ggml_backend_dev_t, 1> no_devices{nullptr};
  if (config.gpu_layers == 0) model_params.devices = no_devices.data();
  llama->model = llama_model_load_from_file(model.c_str(), model_params);
  if (llama->model == nullptr) {
    return fail(ErrorCode::not_found, fmt::format("cannot load the model {}", model.string()),
                model.string());
  }
  llama_context_params params = llama_context_default_params();
  params.n_ctx = config.context_tokens;
  params.n_batch = config.context_tokens;
  params.n_seq_max = 1;
  params.n_threads = static_cast<std::int32_t>(config.threads);
  params.n_threads_batch = params.n_threads;
  params.flash_attn_type =
      config.flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  llama->context = llama_init_from_model(llama->model, params);
  if (llama->context == nullptr)
    return fail(ErrorCode::resource_exhausted, "cannot make a llama.cpp context");
  return std::unique_ptr<SerialLock>(new SerialLock(std::move(llama)));
}

result<std::uint32_t> SerialLock::generate(std::string_view prompt, std::uint32_t max_tokens) {
  std::vector<llama_token> tokens = llama_->tokenize(prompt);
  if (tokens.empty() || tokens.size() + max_tokens > llama_n_ctx(llama_->context)) {
    return fail(ErrorCode::invalid_argument, "prompt and answer do not fit the context", "prompt");
  }
  {
    std::unique_lock lock(mutex_);
    const std::uint64_t ticket = next_ticket_++;
    turn_.wait(lock, [&] { return serving_ == ticket; });
  }
  auto made = llama_->generate(std::move(tokens), max_tokens);
  {
    const std::lock_guard lock(mutex_);
    ++serving_;
  }
  turn_.notify_all();
  return made;
}

std::size_t SerialLock::count_tokens(std::string_view text) const { return llama_->tokenize(text).size(); }

}  // namespace sovereign::roadmap
