// A lock on a file that one process holds; the system releases it when the process ends, however it ends.
#pragma once

#include <string>

#include "base/result.h"

namespace sovereign::cache {

class FileLock {
 public:
  // Creates the file (mode 0600) and leaves it there. Errors: unavailable (held by another), not_found
  // or permission_denied (the folder).
  static result<FileLock> acquire(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int file) : file_(file) {}
  int file_;
};

}  // namespace sovereign::cache
