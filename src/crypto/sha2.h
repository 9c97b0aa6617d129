// SHA-256 and SHA-512 (FIPS 180-4) with their state on the stack: no allocation, no look-up of an algorithm
// by name, which for the short inputs of trees and signatures costs more than the hashing itself.
// OpenSSL's block functions do the work, with the CPU's own instructions where it has them.
//
// base/sha256.h is the one to use for files and wherever a nanosecond does not matter.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "base/sha256.h"

namespace sovereign::crypto {

using Digest = Sha256Digest;
using Sha512Digest = std::array<std::byte, 64>;

class Sha256Stream {
 public:
  Sha256Stream() noexcept;
  void update(std::span<const std::byte> bytes) noexcept;
  void update(std::string_view bytes) noexcept { update(std::as_bytes(std::span(bytes))); }
  Digest finish() noexcept;

 private:
  alignas(8) std::array<std::byte, 112> state_;
};

class Sha512Stream {
 public:
  Sha512Stream() noexcept;
  void update(std::span<const std::byte> bytes) noexcept;
  void update(std::string_view bytes) noexcept { update(std::as_bytes(std::span(bytes))); }
  Sha512Digest finish() noexcept;

 private:
  alignas(8) std::array<std::byte, 216> state_;
};

}  // namespace sovereign::crypto
