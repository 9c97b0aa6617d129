// A file that only grows: whole appends, reads at any place, an exclusive lock.
//
// append() writes everything or leaves the file as it was; when even that fails (the disk is full and the
// rest cannot be cut off), the file is out of order and every later append fails.
// What append() wrote survives the end of the process, however it ends; sync() makes it survive a power loss.
//
// One writer at a time; read() may run beside it, of bytes that are there, and one sync(), of what was
// written before it began. Not for secrets: see crypto/key_file.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sovereign {

class AppendFile {
 public:
  enum class Mode { read_write, create_new, read_only };

  // read_write makes the file (mode 0600) when it is not there, and holds its lock until closed, as
  // create_new does; the folder must exist. Errors: not_found, permission_denied, already_exists
  // (create_new), unavailable (locked by another process), internal.
  static result<AppendFile> open(const std::filesystem::path& path, Mode mode);

  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }

  // Errors: resource_exhausted (disk full), internal.
  result<void> append(std::string_view bytes);
  // Fills `out`. Errors: corrupt (the file ends before), internal.
  result<void> read(std::uint64_t offset, std::span<std::byte> out) const;
  result<std::string> read(std::uint64_t offset, std::uint64_t bytes) const;
  // Drops what is past `size`. For recovery, of what was never acknowledged.
  result<void> cut(std::uint64_t size);
  result<void> sync();

 private:
  AppendFile(int fd, std::filesystem::path path, std::uint64_t size)
      : fd_(fd), path_(std::move(path)), size_(size) {}

  int fd_;
  std::filesystem::path path_;
  std::uint64_t size_;
  std::atomic<bool> broken_ = false;  // sync() may find out beside append()
};

// Makes the names in a folder survive a power loss.
result<void> sync_folder(const std::filesystem::path& folder);

// Makes a folder and those above it that are missing, so that they survive a power loss. Returns whether it
// was missing. Errors: permission_denied, internal.
result<bool> make_folder(const std::filesystem::path& folder);

}  // namespace sovereign
