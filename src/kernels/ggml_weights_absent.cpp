// For builds with the system's llama.cpp.
#include "kernels/ggml_weights.h"

namespace sovereign::kernels {

Offer::Offer(const KernelSet* /*kernels*/) {}

Offer::~Offer() = default;

std::size_t Offer::panel_bytes() const { return 0; }

bool can_offer() { return false; }

std::size_t panel_bytes_in_use() { return 0; }

}  // namespace sovereign::kernels
