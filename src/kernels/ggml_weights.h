// Our kernels inside ggml's CPU backend: models loaded while an Offer lives keep their quantized matrices in
// panels, and their multiplications run here, on ggml's own threads, within the same graph.
//
// ggml lets its CPU backend have 'extra' buffer types: memory that holds weights in another order, with its
// own multiplication; its repacking of Q4_0 is one. Ours joins that list, before the others, the first time
// an Offer is made; that must be before any graph is computed in this process. Without an Offer a
// model gets exactly what llama.cpp would give it. Matrices that we cannot multiply (other types, three
// dimensions, looked up by row) stay where llama.cpp puts them.
#pragma once

#include <cstddef>
#include <filesystem>

#include "kernels/kernel_set.h"

namespace sovereign::kernels {

// Applies to models that this thread loads. `kernels` may be nullptr: nothing is offered. Not nested.
class Offer {
 public:
  explicit Offer(const KernelSet* kernels);
  ~Offer();
  Offer(const Offer&) = delete;
  Offer& operator=(const Offer&) = delete;

  // Bytes of weights that were put into panels under this offer.
  std::size_t panel_bytes() const;
};

// Whether this build can offer at all: not with the system's llama.cpp, which hides what it takes.
bool can_offer();

// Bytes of weights that are in panels now, all models together.
std::size_t panel_bytes_in_use();

// Gives back the mapped pages of a loaded file, which is in panels now for the most part; what is
// still used comes back from the page cache at the next touch.
void release_mapped_pages(const std::filesystem::path& file);

}  // namespace sovereign::kernels
