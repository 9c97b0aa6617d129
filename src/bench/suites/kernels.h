// The benchmark of our kernels, matrices and attention: the real model decoded by llama.cpp with
// them and without them.
//
// Both sides are the same library in the same process, with the same flags, in turn. Ratios are tokens per
// second, ours over stock, medians of paired rounds:
//   TYPE_prefill_vs_stock  one prompt of 512 tokens
//   TYPE_batch8_vs_stock   8 sequences that decode together
//   TYPE_batch1_vs_stock   one sequence
// for TYPE q4_1 (the default model as it is), q8_0 and q4_0 (it, quantized again), q4_k and q6_k (a made-up
// model, since K types do not fit its rows; kernel_models.h). Then:
//   TYPE_…_vs_tinyblas     the same over llama.cpp built so (kernel_peers.h): q4_1, q8_0, q4_0
//   TYPE_…_vs_openblas
//   perplexity_vs_stock    exp of the mean difference of losses, over `texts` in pieces of 512 tokens;
//                          an error when it is beyond 0.1 % by more than chance explains
//   batch8_over_batch1     ours, tokens per second at 8 over those at 1
//   roofline_batch1        bytes of weights read per second over what reading as many bytes does here
//   roofline_prefill       multiply-adds of matrices per second over the peak of this CPU's best instruction
//                          for them (machine_peaks.h), which a note names
//   memory_vs_stock        what a loaded model that was used adds to the process, ours over stock: PSS
// Figures besides: what each instruction set's products reach alone (kernel_products.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/harness.h"
#include "bench/report.h"
#include "bench/suites/kernel_peers.h"

namespace sovereign::bench {

struct KernelsOptions {
  std::filesystem::path model;
  std::filesystem::path folder;  // for the models quantized again
  std::uint32_t threads = 2;
  int rounds = 7;
  std::vector<KernelPeer> peers;
  std::vector<std::filesystem::path> texts;  // none: perplexity_vs_stock is left out
  std::size_t text_tokens = 50'000;          // of them, at most
  std::string date;
};

// Errors: a model cannot be used, this CPU has no fast kernels.
result<Report> run_kernels_suite(const KernelsOptions& options, const Progress& progress);

}  // namespace sovereign::bench
