// A file's bytes in memory, for many small reads of one that grows: no system call each.
//
// What was written to the file is seen at once. The mapping is larger than the file and grows by doubling;
// the owner calls cover() after the file grew. A disk that fails while a page is read ends the process
// (SIGBUS), as does another process that cuts the file short between the owner's check of its size and the
// read.
//
// One thread may call cover(); bytes() may be read by many at other times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace sovereign {

class FileMapping {
 public:
  // Errors: those of opening the file.
  static result<FileMapping> open(const std::filesystem::path& path);

  FileMapping(FileMapping&& other) noexcept;
  FileMapping& operator=(FileMapping&& other) noexcept;
  ~FileMapping();

  // Makes the first `size` bytes of the file readable at bytes(), which may move.
  // Errors: resource_exhausted (no address space).
  result<void> cover(std::uint64_t size);
  std::uint64_t covered() const { return mapped_; }
  // Only those that are in the file may be read.
  const std::byte* bytes() const { return bytes_; }
  // What the file has now.
  result<std::uint64_t> file_size() const;

 private:
  FileMapping(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::filesystem::path path_;
  std::byte* bytes_ = nullptr;
  std::uint64_t mapped_ = 0;
};

}  // namespace sovereign
