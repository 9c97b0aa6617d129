// SHA-256 (FIPS 180-4) of bytes and files, by OpenSSL with the CPU's own instructions.
//
// Thread-safe: no shared state. A Sha256 object belongs to one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sovereign {

using Sha256Digest = std::array<std::byte, 32>;

// Streaming digest: update() any number of times, then finish() once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view bytes);
  Sha256Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Sha256Digest sha256(std::string_view bytes);

// 64 lower-case hexadecimal digits.
std::string to_hex(const Sha256Digest& digest);
std::string sha256_hex(std::string_view bytes);

// Digest of a file's content, read in blocks. Errors: not_found, invalid_argument (a directory),
// permission_denied, internal (a read failed half-way).
result<Sha256Digest> sha256_file(const std::filesystem::path& path);

// Compares secrets without telling by its duration where they differ. The lengths are not secret.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

}  // namespace sovereign
