// A model and a context of llama.cpp that decode made-up tokens as fast as they can, for timing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

struct llama_context;
struct llama_model;

namespace sovereign::bench {

class DecodeRig {
 public:
  // With our kernels, or as llama.cpp is. Errors: unsupported (the model cannot be used).
  static result<std::unique_ptr<DecodeRig>> load(const std::filesystem::path& model, bool our_kernels,
                                                 std::uint32_t threads);
  ~DecodeRig();
  DecodeRig(const DecodeRig&) = delete;
  DecodeRig& operator=(const DecodeRig&) = delete;

  // Seconds to compute one prompt of `tokens`, at most 512.
  result<double> prefill(int tokens);
  // Seconds for `steps` steps of `sequences` sequences that each have 16 tokens already.
  result<double> decode(int sequences, int steps);

  std::vector<std::int32_t> tokens_of(const std::string& text) const;
  // -log p of each token but the first, given those before it; at most 512 tokens.
  result<std::vector<double>> losses(std::span<const std::int32_t> tokens);

  std::uint64_t parameters() const;
  // Of them, the matrix that gives the logits.
  std::uint64_t head_parameters() const;
  // Bytes of weights that one step reads.
  std::uint64_t panel_bytes() const { return panel_bytes_; }

 private:
  explicit DecodeRig(bool ours) : ours_(ours) {}

  // An empty cache, and the attention of this side.
  void clear();

  const bool ours_;
  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
  std::uint64_t panel_bytes_ = 0;
};

}  // namespace sovereign::bench
