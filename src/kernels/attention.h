// Attention over a cache of F16 keys and values, for steps of any shape: one row of many sequences, a long
// prompt, or both (flash attention's task, not its method: FlashAttention's running maximum makes a result
// depend on the order of the cells).
//
// A row's result does not depend on the other rows, on the number of threads, nor on which cells hold its
// sequence (attention_kernels.h, which names the one bound: weighted means of |v| below 8). That is what
// makes an answer the same alone and in a crowd, after a preemption, and with a shared prefix.
//
// Rows that see the same cells are computed together: neighbours in a prompt, and the query heads that
// share a key head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/attention_kernels.h"

namespace sovereign::kernels {

// Vectors of T with a distance in bytes for each of three more dimensions.
template <class T>
struct Vectors {
  T* data = nullptr;
  std::size_t stride_bytes[3] = {};

  T* at(std::size_t a, std::size_t b, std::size_t c) const {
    using Byte = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;
    return reinterpret_cast<T*>(reinterpret_cast<Byte*>(data) + a * stride_bytes[0] + b * stride_bytes[1] +
                                c * stride_bytes[2]);
  }
};

struct Attention {
  std::size_t key_size;    // of a head, in query and key; a multiple of 8
  std::size_t value_size;  // of a head, in value and out; a multiple of 8
  std::size_t tokens;
  std::size_t heads;
  std::size_t key_heads;  // heads is a multiple of it
  std::size_t cells;
  std::size_t streams;  // independent caches

  Vectors<const float> query;    // token, head, stream
  Vectors<const Half> key;       // cell, key head, stream
  Vectors<const Half> value;     // cell, key head, stream
  Vectors<const Half> mask;      // token, -, stream; null: every cell is seen
  Vectors<float> out;            // head, token, stream
  const float* sinks = nullptr;  // by head: a score that takes weight from all others

  float scale = 1;
  float max_bias = 0;       // ALiBi, when positive
  float logit_softcap = 0;  // scores become cap * tanh(score / cap), when not zero
};

// The part of thread `index` of `threads`; parts need no order among them. Each thread keeps scratch for as
// long as it lives: for scores and masks at most 256 KiB or 4 bytes a cell each, whichever is more, 4 bytes a
// cell for indices, and 24 rows of query and sums. Without memory for it the process ends, as ggml ends it.
void attend(const AttentionKernels& kernels, const Attention& attention, std::size_t index,
            std::size_t threads);

}  // namespace sovereign::kernels
