#include "cache/disk_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace sovereign::cache {
namespace {

constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::size_t kIdOffset = 68;  // big-endian, 4 bytes

bool is_ours(std::string_view head) {
  if (head.size() < kIdOffset + 4 || head.substr(0, kMagic.size()) != kMagic) return false;
  std::int64_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) id = id << 8 | static_cast<unsigned char>(head[kIdOffset + i]);
  return id == kDiskApplicationId;
}

tl::unexpected<Error> unreadable(const std::string& path, int error) {
  return fail(ErrorCode::unavailable,
              fmt::format("{} cannot be read: {}.", path, std::generic_category().message(error)), path);
}

tl::unexpected<Error> foreign(const std::string& path) {
  return fail(ErrorCode::already_exists,
              fmt::format("{} is not a cache of this program, and was left as it is. Name another file in "
                          "cache.disk_path, or take this one away.",
                          path),
              path);
}

}  // namespace

result<DiskFileOwner> owner_of_disk_file(const std::string& path) {
  // O_NONBLOCK: opening a pipe would wait for its other end.
  const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) {
    if (errno == ENOENT) return DiskFileOwner::nobody;
    return unreadable(path, errno);
  }
  struct stat status {};
  std::array<char, kIdOffset + 4> head{};
  const bool is_known = ::fstat(file, &status) == 0;
  const bool is_regular = is_known && S_ISREG(status.st_mode);
  const ssize_t size = is_regular ? ::pread(file, head.data(), head.size(), 0) : 0;
  const int error = errno;
  ::close(file);
  if (!is_known || size < 0) return unreadable(path, error);
  if (!is_regular) return foreign(path);
  if (size == 0) return DiskFileOwner::nobody;
  if (!is_ours({head.data(), static_cast<std::size_t>(size)})) return foreign(path);
  return DiskFileOwner::cache;
}

result<void> remove_disk_files(const std::string& path) {
  const auto owner = owner_of_disk_file(path);
  if (!owner) return fail(owner.error());
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((path + suffix).c_str());
  return {};
}

}  // namespace sovereign::cache
