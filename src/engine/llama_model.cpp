#include "engine/llama_model.h"

#include <fmt/format.h>
#include <llama.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <exception>
#include <limits>
#include <new>

#include "base/deep_call.h"
#include "engine/gguf_file.h"
#include "engine/llama_log.h"
#include "engine/long_runs.h"
#include "engine/text_stream.h"
#include "kernels/ggml_attention.h"
#include "kernels/ggml_weights.h"

namespace sovereign::engine {
namespace {

// Characters of a run that is tokenized on whatever stack the caller has, and of the longest one at all.
constexpr std::size_t kRunOfAnyStack = 1024;
constexpr std::size_t kLongestRun = 65'536;
constexpr std::size_t kStackOfCharacter = 4096;  // 330 are used; under the address sanitizer more than 1,000
constexpr std::size_t kStackApart = std::size_t{1} << 20;

tl::unexpected<Error> not_loaded(ErrorCode code, const std::filesystem::path& path, std::string_view why) {
  return fail(code, fmt::format("model file {} cannot be loaded: {}", path.string(), why), path.string());
}

bool has_gpu() {
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    if (ggml_backend_dev_type(ggml_backend_dev_get(i)) != GGML_BACKEND_DEVICE_TYPE_CPU) return true;
  }
  return false;
}

}  // namespace

result<std::shared_ptr<const LlamaModel>> LlamaModel::load(const std::filesystem::path& path,
                                                           std::int32_t gpu_layers, Kernels choice) {
  auto info = read_gguf_info(path);
  if (!info) return fail(info.error());

  std::shared_ptr<LlamaModel> model(new LlamaModel);
  llama_model_params params = llama_model_default_params();
  // llama.cpp reads a negative number as 'all'.
  params.n_gpu_layers = gpu_layers;
  // With no layers there, it would still send large products to a GPU and bring the weights along each time.
  std::array<ggml_backend_dev_t, 1> no_devices{nullptr};
  if (gpu_layers == 0) {
    params.devices = no_devices.data();
  } else if (!has_gpu()) {
    spdlog::warn(
        "engine.gpu_layers is {} and no GPU is to be had, so the CPU does the work; "
        "'sovereign doctor' says more",
        gpu_layers);
  }
  take_last_llama_error();
  kernels::use_attention(kernels::fast_attention());
  const kernels::Offer offer(choice == Kernels::automatic ? kernels::fast_kernels() : nullptr);
  try {
    model->model_ = llama_model_load_from_file(path.c_str(), params);
  } catch (const std::bad_alloc&) {
    return not_loaded(ErrorCode::resource_exhausted, path, "not enough memory");
  } catch (const std::exception& error) {
    return not_loaded(ErrorCode::unsupported, path, error.what());
  }
  if (model->model_ == nullptr) {
    const std::string why = take_last_llama_error();
    const bool memory = why.find("alloc") != std::string::npos || why.find("memory") != std::string::npos;
    return not_loaded(memory ? ErrorCode::resource_exhausted : ErrorCode::unsupported, path,
                      why.empty() ? "llama.cpp does not say why" : why);
  }
  if (offer.panel_bytes() > 0) kernels::release_mapped_pages(path);
  model->take(model->model_, path, std::move(*info));
  model->info_.can_generate = model->info_.can_generate && llama_model_has_decoder(model->model_);
  model->info_.can_share_prefix =
      !llama_model_is_recurrent(model->model_) && !llama_model_is_hybrid(model->model_);
  return model;
}

void LlamaModel::take(llama_model* model, const std::filesystem::path& path, ModelInfo info) {
  model_ = model;
  vocab_ = llama_model_get_vocab(model);
  path_ = path;
  info_ = std::move(info);
  info_.vocabulary_size = static_cast<std::uint32_t>(llama_vocab_n_tokens(vocab_));
  // The others' tokenizers drop characters, white space for example.
  const auto kind = llama_vocab_type(vocab_);
  splits_by_regex_ = kind == LLAMA_VOCAB_TYPE_BPE;
  if (kind != LLAMA_VOCAB_TYPE_BPE && kind != LLAMA_VOCAB_TYPE_SPM) return;
  for (Token token = 0; token < llama_vocab_n_tokens(vocab_); ++token) {
    const char* const text = llama_vocab_get_text(vocab_, token);
    longest_token_bytes_ = std::max(longest_token_bytes_, std::strlen(text));
  }
}

result<std::shared_ptr<const LlamaModel>> LlamaModel::load_vocabulary(const std::filesystem::path& path) {
  auto info = read_gguf_info(path);
  if (!info) return fail(info.error());
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  take_last_llama_error();
  llama_model* loaded = nullptr;
  try {
    loaded = llama_model_load_from_file(path.c_str(), params);
  } catch (const std::exception& error) {
    return not_loaded(ErrorCode::unsupported, path, error.what());
  }
  if (loaded == nullptr) {
    const std::string why = take_last_llama_error();
    return not_loaded(ErrorCode::unsupported, path, why.empty() ? "llama.cpp does not say why" : why);
  }
  std::shared_ptr<LlamaModel> model(new LlamaModel);
  model->take(loaded, path, std::move(*info));
  return model;
}

result<ModelInfo> LlamaModel::inspect(const std::filesystem::path& path) { return read_gguf_info(path); }

// A token's text in the vocabulary is no shorter than its bytes: there, spaces and bytes that are no text are
// spelt with longer characters.
std::size_t LlamaModel::least_tokens(std::size_t text_bytes) const {
  return longest_token_bytes_ == 0 ? 0 : text_bytes / longest_token_bytes_;
}

LlamaModel::~LlamaModel() {
  if (model_ != nullptr) llama_model_free(model_);
}

std::vector<Token> LlamaModel::tokenize(std::string_view text, bool add_special, bool parse_special) const {
  const std::string valid = to_valid_utf8(text);
  if (!splits_by_regex_) return tokenize_part(valid, add_special, parse_special);
  const TextRuns runs = cut_runs(valid, kLongestRun);
  if (runs.longest <= kRunOfAnyStack) return tokenize_part(valid, add_special, parse_special);
  std::vector<Token> tokens;
  const std::size_t stack = kStackApart + runs.longest * kStackOfCharacter;
  if (call_on_stack(stack, [&] { tokens = tokenize_parts(runs.parts, add_special, parse_special); })) {
    return tokens;
  }
  return tokenize_parts(cut_runs(valid, kRunOfAnyStack).parts, add_special, parse_special);
}

// As one text whose split into words happens to be at the parts' ends.
std::vector<Token> LlamaModel::tokenize_parts(std::span<const std::string_view> parts, bool add_special,
                                              bool parse_special) const {
  if (parts.size() == 1) return tokenize_part(parts.front(), add_special, parse_special);
  std::vector<Token> tokens;
  if (add_special && llama_vocab_get_add_bos(vocab_)) tokens.push_back(llama_vocab_bos(vocab_));
  for (const std::string_view part : parts) {
    const auto more = tokenize_part(part, false, parse_special);
    tokens.insert(tokens.end(), more.begin(), more.end());
  }
  if (add_special && llama_vocab_get_add_eos(vocab_)) tokens.push_back(llama_vocab_eos(vocab_));
  return tokens;
}

std::vector<Token> LlamaModel::tokenize_part(std::string_view part, bool add_special,
                                             bool parse_special) const {
  assert(part.size() <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
  const auto bytes = static_cast<std::int32_t>(part.size());
  // A token holds a byte or more but for the special ones that are added.
  std::vector<Token> tokens(part.size() + 2);
  const auto capacity = static_cast<std::int32_t>(tokens.size());
  std::int32_t count =
      llama_tokenize(vocab_, part.data(), bytes, tokens.data(), capacity, add_special, parse_special);
  if (count < 0) {
    tokens.resize(static_cast<std::size_t>(-count));
    count = llama_tokenize(vocab_, part.data(), bytes, tokens.data(), -count, add_special, parse_special);
  }
  assert(count >= 0);
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

std::string LlamaModel::piece(Token token, bool special) const {
  if (token < 0 || static_cast<std::uint32_t>(token) >= info_.vocabulary_size) return {};
  char buffer[64];
  const std::int32_t length = llama_token_to_piece(vocab_, token, buffer, sizeof buffer, 0, special);
  if (length >= 0) return std::string(buffer, static_cast<std::size_t>(length));
  std::string bytes(static_cast<std::size_t>(-length), '\0');
  llama_token_to_piece(vocab_, token, bytes.data(), -length, 0, special);
  return bytes;
}

bool LlamaModel::is_end_of_generation(Token token) const { return llama_vocab_is_eog(vocab_, token); }

Token LlamaModel::end_of_generation() const {
  const Token end_of_turn = llama_vocab_eot(vocab_);
  return end_of_turn != LLAMA_TOKEN_NULL ? end_of_turn : llama_vocab_eos(vocab_);
}

const TokenPieces& LlamaModel::pieces() const {
  std::call_once(pieces_made_, [this] {
    std::vector<std::pair<std::string, Token>> all;
    all.reserve(info_.vocabulary_size);
    for (Token token = 0; token < static_cast<Token>(info_.vocabulary_size); ++token) {
      if (!is_end_of_generation(token)) all.emplace_back(piece(token, true), token);
    }
    pieces_ = std::make_unique<const TokenPieces>(std::move(all));
  });
  return *pieces_;
}

std::span<const Token> LlamaModel::suppressed_tokens() const {
  std::int32_t count = 0;
  const Token* tokens = llama_vocab_get_suppress_tokens(vocab_, &count);
  return {tokens, static_cast<std::size_t>(count)};
}

}  // namespace sovereign::engine
