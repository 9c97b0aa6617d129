// A passphrase from the terminal (not shown while it is typed) or from a pipe, into locked memory.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "crypto/signing_key.h"

namespace sovereign {

class Passphrase {
 public:
  // One line of standard input, at most kMostBytes. With `twice`, a terminal is asked again, and both must be
  // the same. Errors: invalid_argument (empty, too long, not the same).
  static result<Passphrase> read(std::string_view prompt, bool twice);

  // The first line of a file, for programs that run unattended. Errors: permission_denied (others than its
  // owner may read it), not_found, and as read().
  static result<Passphrase> from_file(const std::filesystem::path& path);

  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.bytes().data()), size_}; }

  static constexpr std::size_t kMostBytes = 1024;

 private:
  Passphrase(crypto::SecretBytes bytes, std::size_t size) : bytes_(std::move(bytes)), size_(size) {}
  static result<Passphrase> read_line(int file);

  crypto::SecretBytes bytes_;
  std::size_t size_;
};

}  // namespace sovereign
