#include "base/file_mapping.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sovereign {
namespace {

constexpr std::uint64_t kLeastBytes = std::uint64_t{1} << 20;

std::string reason(int number) { return std::generic_category().message(number); }

}  // namespace

result<FileMapping> FileMapping::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::permission_denied,
                fmt::format("cannot open {}: {}", path.string(), reason(errno)), path.string());
  return FileMapping(fd, path);
}

FileMapping::FileMapping(FileMapping&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      bytes_(std::exchange(other.bytes_, nullptr)),
      mapped_(std::exchange(other.mapped_, 0)) {}

FileMapping& FileMapping::operator=(FileMapping&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

FileMapping::~FileMapping() {
  if (bytes_ != nullptr) ::munmap(bytes_, mapped_);
  if (fd_ >= 0) ::close(fd_);
}

result<void> FileMapping::cover(std::uint64_t size) {
  if (size <= mapped_) return {};
  const std::uint64_t wanted = std::bit_ceil(std::max(size, kLeastBytes));
  void* const at = bytes_ == nullptr ? ::mmap(nullptr, wanted, PROT_READ, MAP_SHARED, fd_, 0)
                                     : ::mremap(bytes_, mapped_, wanted, MREMAP_MAYMOVE);
  if (at == MAP_FAILED)
    return fail(ErrorCode::resource_exhausted,
                fmt::format("cannot map {} bytes of {}: {}", wanted, path_.string(), reason(errno)),
                path_.string());
  bytes_ = static_cast<std::byte*>(at);
  mapped_ = wanted;
  return {};
}

result<std::uint64_t> FileMapping::file_size() const {
  struct stat status;
  if (::fstat(fd_, &status) != 0)
    return fail(ErrorCode::internal, fmt::format("cannot inspect {}: {}", path_.string(), reason(errno)),
                path_.string());
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace sovereign
