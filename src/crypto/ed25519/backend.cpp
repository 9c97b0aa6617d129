#include "crypto/ed25519/backend.h"

#include <algorithm>
#include <array>

#include "crypto/sha2.h"

namespace sovereign::crypto::ed25519 {
namespace {

// Terms without a table from which Pippenger's method is the faster one (measured).
constexpr std::size_t kPippengerTerms = 220;

// More than one round of the widest backend, and not a multiple.
constexpr std::size_t kSelfTestPoints = 19;

}  // namespace

bool agrees_with_portable(const Backend& backend) {
  const Backend& reference = portable_backend();
  std::vector<std::array<std::byte, 32>> encodings;
  std::vector<Term> terms;
  std::vector<AffinePoint> points;
  points.reserve(kSelfTestPoints);
  for (unsigned char counter = 0; points.size() < kSelfTestPoints; ++counter) {
    Sha512Stream hash;
    hash.update(std::as_bytes(std::span(&counter, 1)));
    const Sha512Digest digest = hash.finish();
    auto& encoding = encodings.emplace_back();
    std::copy_n(digest.begin(), encoding.size(), encoding.begin());
    const auto point = decompress(encoding);
    if (!point) continue;
    points.push_back(*point);
    Scalar scalar = scalar_from_wide(digest);
    const bool half = points.size() % 2 == 0;
    if (half) scalar.word[2] = scalar.word[3] = 0;
    terms.push_back({scalar, &points.back(), nullptr, half});
  }
  terms.push_back({terms.front().scalar, &kBasePoint, &base_point_table(), false});
  std::vector<EncodedPoint> pointers;
  for (const auto& encoding : encodings) pointers.push_back(encoding.data());
  std::vector<std::optional<AffinePoint>> ours(encodings.size()), theirs(encodings.size());
  backend.decompress(pointers, ours.data());
  reference.decompress(pointers, theirs.data());
  const auto same = [](const std::optional<AffinePoint>& a, const std::optional<AffinePoint>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return equal(a->x, b->x) && equal(a->y, b->y) && equal(a->t, b->t);
  };
  if (!std::equal(ours.begin(), ours.end(), theirs.begin(), same)) return false;
  // A few terms too, as a single verification has: a backend may have another way for these.
  const std::span<const Term> all(terms);
  for (const auto some : {all, all.last(2)}) {
    const auto expected = compress(reference.straus(some));
    if (compress(backend.straus(some)) != expected) return false;
    if (backend.pippenger != nullptr && compress(backend.pippenger(some)) != expected) return false;
  }
  return true;
}

std::vector<const Backend*> available_backends() {
  std::vector<const Backend*> backends{&portable_backend()};
  for (const Backend* backend : {avx2_backend(), ifma_backend()})
    if (backend != nullptr) backends.push_back(backend);
  return backends;
}

const Backend& best_backend() {
  static const Backend& best = []() -> const Backend& {
    const auto backends = available_backends();
    for (auto backend = backends.rbegin(); backend != backends.rend(); ++backend)
      if (agrees_with_portable(**backend)) return **backend;
    return portable_backend();
  }();
  return best;
}

ExtendedPoint sum_of(const Backend& backend, std::span<const Term> terms) {
  const auto has_no_table = [](const Term& term) { return term.table == nullptr; };
  const auto bare = static_cast<std::size_t>(std::count_if(terms.begin(), terms.end(), has_no_table));
  if (backend.pippenger == nullptr || bare < kPippengerTerms) return backend.straus(terms);
  std::vector<Term> sorted(terms.begin(), terms.end());
  std::partition(sorted.begin(), sorted.end(), has_no_table);
  const std::span<const Term> all(sorted);
  const ExtendedPoint many = backend.pippenger(all.first(bare));
  const ExtendedPoint few = backend.straus(all.subspan(bare));
  return add(many, to_cached(few), false);
}

}  // namespace sovereign::crypto::ed25519
