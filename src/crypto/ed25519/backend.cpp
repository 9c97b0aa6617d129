#include "crypto/ed25519/backend.h"

#include <algorithm>

namespace sovereign::crypto::ed25519 {
namespace {

// Terms without a table from which Pippenger's method is the faster one (measured).
constexpr std::size_t kPippengerTerms = 300;

}  // namespace

std::vector<const Backend*> available_backends() {
  std::vector<const Backend*> backends{&portable_backend()};
  if (const Backend* avx2 = avx2_backend()) backends.push_back(avx2);
  return backends;
}

const Backend& best_backend() {
  static const Backend& best = *available_backends().back();
  return best;
}

ExtendedPoint sum_of(const Backend& backend, std::span<const Term> terms) {
  const auto has_no_table = [](const Term& term) { return term.table == nullptr; };
  const auto bare = static_cast<std::size_t>(std::count_if(terms.begin(), terms.end(), has_no_table));
  if (bare < kPippengerTerms) return backend.straus(terms);
  std::vector<Term> sorted(terms.begin(), terms.end());
  std::partition(sorted.begin(), sorted.end(), has_no_table);
  const std::span<const Term> all(sorted);
  const ExtendedPoint many = backend.pippenger(all.first(bare));
  const ExtendedPoint few = backend.straus(all.subspan(bare));
  return add(many, to_cached(few), false);
}

}  // namespace sovereign::crypto::ed25519
