// Models for the benchmark and the tests of our kernels, in types that the default model's file does not
// have.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace sovereign::bench {

// The file in `folder` with the weights of `from` quantized again, made when it is not there; `type` is
// "Q8_0" or "Q4_0". The weights are worse than from the original, the time they take is the same.
result<std::filesystem::path> requantized(const std::filesystem::path& from,
                                          const std::filesystem::path& folder, const std::string& type);

// Shapes of a made-up model of llama's architecture. K types take rows of whole blocks of 256 inputs, which
// the default model's 576 are not.
struct MadeUpShape {
  std::uint32_t layers = 8;
  std::uint32_t width = 1024;  // of a token; heads have 64
  std::uint32_t heads = 16;
  std::uint32_t key_heads = 4;
  std::uint32_t inner = 2816;  // of the feed-forward part
  std::uint64_t parameters(std::uint32_t vocabulary) const;
  // The matrices of an 8B model of llama's (its vocabulary is as large as that of the file it is made like).
  static MadeUpShape large() { return {32, 4096, 64, 16, 14336}; }
};

// The file in `folder` with such a model: random weights of `type` ("Q4_K", "Q5_K" or "Q6_K"), its head (the
// embeddings too) in Q6_K as llama.cpp's mixtures have it, the vocabulary of `like`. Made when it is not
// there.
result<std::filesystem::path> made_up_model(const std::filesystem::path& like,
                                            const std::filesystem::path& folder, const std::string& type,
                                            const MadeUpShape& shape = {});

}  // namespace sovereign::bench
