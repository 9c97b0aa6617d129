// The arithmetic that verification spends its time in, once per instruction set. Every backend computes the
// same function; the portable one defines it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/ed25519/point.h"
#include "crypto/ed25519/point_table.h"
#include "crypto/ed25519/scalar.h"

namespace sovereign::crypto::ed25519 {

// scalar * point; `table` of the same point makes it cheaper, where there is one.
struct Term {
  Scalar scalar;
  const AffinePoint* point;
  const PointTable* table;
  bool half;  // the scalar is under 2^128
};

using EncodedPoint = const std::byte*;  // 32 bytes

struct Backend {
  std::string_view name;
  // ZIP-215 decoding of many points; out[i] is empty where encodings[i] is no point.
  void (*decompress)(std::span<const EncodedPoint> encodings, std::optional<AffinePoint>* out);
  // The sum of the terms: Straus's method, for few terms and those with tables.
  ExtendedPoint (*straus)(std::span<const Term> terms);
  // The same sum: Pippenger's method, for many; it makes no use of tables. Null where the other is faster for
  // any number.
  ExtendedPoint (*pippenger)(std::span<const Term> terms);
};

const Backend& portable_backend();
// Null where the CPU or the build lacks it.
const Backend* avx2_backend();
const Backend* ifma_backend();  // AVX-512 IFMA

// The fastest that this CPU has and whose self-test against the portable one passed; chosen once.
const Backend& best_backend();
// Whether its functions give what the portable ones give on a few fixed inputs; under a millisecond.
bool agrees_with_portable(const Backend& backend);
// All that this CPU has, the portable one first.
std::vector<const Backend*> available_backends();

// The sum of the terms by whichever method suits their number.
ExtendedPoint sum_of(const Backend& backend, std::span<const Term> terms);

}  // namespace sovereign::crypto::ed25519
