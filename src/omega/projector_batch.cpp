#include "omega/projector_batch.h"

namespace sovereign::omega {
namespace {

// GCC's and Clang's vector extension. Lanes is one register wide in each path: wider ones are lowered
// to scalar code by GCC.
using TwoLanes [[gnu::vector_size(2 * sizeof(double))]] = double;
using FourLanes [[gnu::vector_size(4 * sizeof(double))]] = double;

template <class Lanes>
struct Block {
  Lanes belief, entropy, potential, coverage;
};

template <class Lanes>
[[gnu::always_inline]] inline void load(Lanes& lanes, const double* from) {
  __builtin_memcpy(&lanes, from, sizeof lanes);
}

template <class Lanes>
[[gnu::always_inline]] inline void store(double* to, const Lanes& lanes) {
  __builtin_memcpy(to, &lanes, sizeof lanes);
}

// Lane by lane the statements of IhsanProjector::project. Results leave through `out`: returning a
// vector by value would change the calling convention between instruction sets.
template <class Lanes>
[[gnu::always_inline]] inline void project_block(const IhsanProjector& projector,
                                                 const double* const* columns, std::size_t at,
                                                 Block<Lanes>& out) {
  const Lanes zero = {};
  const Lanes one = zero + 1.0;
  const auto& w = projector.weights().w;
  const auto& b = projector.weights().b;
  const auto& total = projector.row_totals();

  Lanes least = one;
  Lanes sum[3] = {};
  Lanes measured[3] = {};
#pragma GCC unroll 8
  for (std::size_t d = 0; d < kDimensions; ++d) {
    Lanes v;
    load(v, columns[d] + at);
    const Lanes value = v == v ? v : zero;
    const Lanes present = v == v ? one : zero;
    least = v < least ? v : least;
#pragma GCC unroll 3
    for (std::size_t row = 0; row < 3; ++row) {
      const double weight = w[row][d];
      const double size = weight < 0 ? -weight : weight;
      sum[row] += weight * value;
      measured[row] += size * present;
    }
  }
  Lanes raw[3];
#pragma GCC unroll 3
  for (std::size_t row = 0; row < 3; ++row) {
    const Lanes divisor = measured[row] > zero ? measured[row] : one;
    const Lanes scale = measured[row] > zero ? total[row] / divisor : zero;
    raw[row] = b[row] + scale * sum[row];
  }
  const Lanes belief = raw[0] > zero ? raw[0] : zero;
  out.belief = (belief < one ? belief : one) * (least < kBeliefFloor ? least / kBeliefFloor : one);
  out.entropy = raw[1] > zero ? raw[1] : zero;
  const Lanes potential = raw[2] > -one ? raw[2] : -one;
  out.potential = potential < one ? potential : one;
  out.coverage = total[0] > 0 ? measured[0] / total[0] : zero;
}

template <class Lanes>
[[gnu::always_inline]] inline void project_blocks(const IhsanProjector& projector, const IhsanColumns& in,
                                                  const NTUColumns& out) {
  constexpr std::size_t kLanes = sizeof(Lanes) / sizeof(double);
  const double* const* columns = in.dimension.data();
  std::size_t at = 0;
  for (; at + kLanes <= in.count; at += kLanes) {
    Block<Lanes> block;
    project_block(projector, columns, at, block);
    store(out.belief + at, block.belief);
    store(out.entropy + at, block.entropy);
    store(out.potential + at, block.potential);
    store(out.coverage + at, block.coverage);
  }
  const std::size_t rest = in.count - at;
  if (rest == 0) return;
  double tail[kDimensions][kLanes] = {};
  const double* tail_columns[kDimensions];
  for (std::size_t d = 0; d < kDimensions; ++d) {
    tail_columns[d] = tail[d];
    for (std::size_t i = 0; i < rest; ++i) tail[d][i] = columns[d][at + i];
  }
  Block<Lanes> block;
  project_block(projector, tail_columns, 0, block);
  for (std::size_t i = 0; i < rest; ++i) {
    out.belief[at + i] = block.belief[i];
    out.entropy[at + i] = block.entropy[i];
    out.potential[at + i] = block.potential[i];
    out.coverage[at + i] = block.coverage[i];
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void project_blocks_avx2(const IhsanProjector& projector, const IhsanColumns& in,
                                                 const NTUColumns& out) {
  project_blocks<FourLanes>(projector, in, out);
}
#endif

}  // namespace

void project_batch(const IhsanProjector& projector, const IhsanColumns& in, const NTUColumns& out) noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return project_blocks_avx2(projector, in, out);
#endif
  project_batch_baseline(projector, in, out);
}

void project_batch_baseline(const IhsanProjector& projector, const IhsanColumns& in,
                            const NTUColumns& out) noexcept {
  project_blocks<TwoLanes>(projector, in, out);
}

}  // namespace sovereign::omega
