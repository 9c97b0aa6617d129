// A GGUF model in memory: weights, vocabulary and metadata, without any context.
//
// Wraps llama.cpp's C API; its logging goes to our log. Immutable after load, so all const calls are
// thread-safe. Weights are memory-mapped, and a second LlamaModel of the same file shares the pages, except
// matrices that our kernels multiply: those are repacked into memory of their own, and their mapped pages
// given back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/engine_config.h"
#include "engine/token.h"
#include "engine/token_pieces.h"

struct llama_model;
struct llama_vocab;

namespace sovereign::engine {

struct ModelInfo {
  std::string name;          // general.name, or the file's stem
  std::string architecture;  // e.g. "llama"
  std::string description;   // architecture, parameters, quantization: "llama 135M Q4_1"
  std::string quantization;  // e.g. "Q4_1"
  std::uint64_t parameters = 0;
  std::uint64_t bytes = 0;               // size of the tensors
  std::uint64_t kv_bytes_per_token = 0;  // of a KV cache of 16-bit floats; an upper bound
  std::uint32_t train_context_tokens = 0;
  std::uint32_t embedding_size = 0;
  std::uint32_t layers = 0;
  std::uint32_t vocabulary_size = 0;
  bool has_chat_template = false;
  bool can_generate = true;      // has a decoder
  bool can_embed = false;        // made for embeddings (pooling type in its metadata)
  bool can_share_prefix = true;  // false for recurrent and hybrid models
};

inline bool can_embed(const ModelInfo& model, const EngineConfig& config) {
  return model.can_embed || config.embedding_pooling != EmbeddingPooling::model;
}

class LlamaModel {
 public:
  // Checks the file first (exists, readable, GGUF magic, not cut short) so that the message says which
  // it is; then loads. Errors: not_found, corrupt, unsupported, resource_exhausted.
  static result<std::shared_ptr<const LlamaModel>> load(const std::filesystem::path& path,
                                                        std::int32_t gpu_layers,
                                                        Kernels choice = Kernels::automatic);
  // Vocabulary and metadata without the weights: enough to read templates and to tokenize, not to answer.
  // Errors: as load().
  static result<std::shared_ptr<const LlamaModel>> load_vocabulary(const std::filesystem::path& path);
  // The same checks and information without loading anything; milliseconds.
  static result<ModelInfo> inspect(const std::filesystem::path& path);
  ~LlamaModel();
  LlamaModel(const LlamaModel&) = delete;
  LlamaModel& operator=(const LlamaModel&) = delete;

  const ModelInfo& info() const { return info_; }
  const std::filesystem::path& path() const { return path_; }

  // Text to tokens; invalid UTF-8 counts as U+FFFD. `add_special` adds BOS/EOS where the model wants them;
  // `parse_special` turns the text of control tokens (e.g. <|im_start|>) into those tokens: true only for
  // templates' output. A text without a blank is cut after 65,536 characters, as if a word ended there (see
  // long_runs.h).
  std::vector<Token> tokenize(std::string_view text, bool add_special, bool parse_special) const;
  // No text of so many bytes has fewer tokens. Tells that a text is too long before it is tokenized, which
  // takes a second for each megabyte or so.
  std::size_t least_tokens(std::size_t text_bytes) const;
  // The bytes of one token; control tokens give nothing unless `special`.
  std::string piece(Token token, bool special) const;
  bool is_end_of_generation(Token token) const;
  // The usual end-of-generation token (end of turn, else end of text); kNoToken when there is none.
  Token end_of_generation() const;
  // The bytes of all tokens but those that end a generation, control tokens with their text. Made when it is
  // first asked for, which takes some ten milliseconds.
  const TokenPieces& pieces() const;
  // Tokens that the model's file says must never be generated; mostly none.
  std::span<const Token> suppressed_tokens() const;

  llama_model* handle() const { return model_; }
  const llama_vocab* vocab() const { return vocab_; }

 private:
  LlamaModel() = default;
  void take(llama_model* model, const std::filesystem::path& path, ModelInfo info);
  std::vector<Token> tokenize_parts(std::span<const std::string_view> parts, bool add_special,
                                    bool parse_special) const;
  std::vector<Token> tokenize_part(std::string_view part, bool add_special, bool parse_special) const;
  llama_model* model_ = nullptr;
  const llama_vocab* vocab_ = nullptr;
  ModelInfo info_;
  std::filesystem::path path_;
  bool splits_by_regex_ = false;
  std::size_t longest_token_bytes_ = 0;  // 0: a token may stand for any number of them
  mutable std::once_flag pieces_made_;
  mutable std::unique_ptr<const TokenPieces> pieces_;
};

}  // namespace sovereign::engine
