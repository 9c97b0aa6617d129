#include "base/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

namespace sovereign {
namespace {

tl::unexpected<Error> file_error(const std::filesystem::path& path, std::string_view doing, int number) {
  ErrorCode code = ErrorCode::internal;
  if (number == ENOENT || number == ENOTDIR) code = ErrorCode::not_found;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::permission_denied;
  if (number == EEXIST) code = ErrorCode::already_exists;
  if (number == ENOSPC || number == EDQUOT || number == EFBIG) code = ErrorCode::resource_exhausted;
  if (number == EWOULDBLOCK) code = ErrorCode::unavailable;
  const std::string why =
      number == EWOULDBLOCK ? "another process holds it" : std::generic_category().message(number);
  return fail(code, fmt::format("cannot {} {}: {}", doing, path.string(), why), path.string());
}

int open_flags(AppendFile::Mode mode) {
  switch (mode) {
    case AppendFile::Mode::read_write: return O_RDWR | O_CREAT;
    case AppendFile::Mode::create_new: return O_RDWR | O_CREAT | O_EXCL;
    case AppendFile::Mode::read_only: return O_RDONLY;
  }
  return O_RDONLY;
}

}  // namespace

result<AppendFile> AppendFile::open(const std::filesystem::path& path, Mode mode) {
  const int fd = ::open(path.c_str(), open_flags(mode) | O_CLOEXEC, 0600);
  if (fd < 0) return file_error(path, "open", errno);
  AppendFile file(fd, path, 0);
  if (mode != Mode::read_only && ::flock(fd, LOCK_EX | LOCK_NB) != 0) return file_error(path, "lock", errno);
  struct stat status;
  if (::fstat(fd, &status) != 0) return file_error(path, "inspect", errno);
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      size_(other.size_),
      broken_(other.broken_.load()) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  broken_ = other.broken_.exchange(broken_);
  return *this;
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

result<void> AppendFile::append(std::string_view bytes) {
  if (broken_)
    return fail(ErrorCode::internal, fmt::format("{} is out of order since a write failed", path_.string()),
                path_.string());
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const auto at = static_cast<off_t>(size_ + (bytes.size() - rest.size()));
    const ssize_t written = ::pwrite(fd_, rest.data(), rest.size(), at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int number = written < 0 ? errno : ENOSPC;
      broken_ = ::ftruncate(fd_, static_cast<off_t>(size_)) != 0;
      return file_error(path_, "write", number);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  size_ += bytes.size();
  return {};
}

result<void> AppendFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path_, "read", errno);
    if (got == 0)
      return fail(ErrorCode::corrupt,
                  fmt::format("{} ends before byte {}", path_.string(), offset + out.size()), path_.string());
    done += static_cast<std::size_t>(got);
  }
  return {};
}

result<std::string> AppendFile::read(std::uint64_t offset, std::uint64_t bytes) const {
  if (offset > size_ || bytes > size_ - offset)
    return fail(ErrorCode::corrupt, fmt::format("{} ends before byte {} + {}", path_.string(), offset, bytes),
                path_.string());
  std::string out(bytes, '\0');
  if (auto good = read(offset, std::as_writable_bytes(std::span(out))); !good)
    return fail(std::move(good.error()));
  return out;
}

result<void> AppendFile::cut(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return file_error(path_, "cut", errno);
  size_ = size;
  return {};
}

result<void> AppendFile::sync() {
  if (broken_)
    return fail(ErrorCode::internal, fmt::format("{} is out of order since a write failed", path_.string()),
                path_.string());
  if (::fdatasync(fd_) != 0) {
    // The kernel may have dropped the pages: a second sync that succeeds would prove nothing.
    broken_ = true;
    return file_error(path_, "sync", errno);
  }
  return {};
}

result<void> sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path name = folder.empty() ? std::filesystem::path(".") : folder;
  const int fd = ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return file_error(name, "open", errno);
  const int status = ::fsync(fd);
  const int number = errno;
  ::close(fd);
  if (status != 0) return file_error(name, "sync", number);
  return {};
}

result<bool> make_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path whole = fs::absolute(folder, error).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // a slash at the end
  std::vector<fs::path> missing;
  for (fs::path name = whole; name.has_relative_path() && !fs::exists(name, error); name = name.parent_path())
    missing.push_back(name);
  fs::create_directories(whole, error);
  if (error)
    return fail(ErrorCode::permission_denied,
                fmt::format("cannot make the folder {}: {}", folder.string(), error.message()),
                folder.string());
  for (const fs::path& name : missing)
    if (auto good = sync_folder(name.parent_path()); !good) return fail(std::move(good.error()));
  return !missing.empty();
}

}  // namespace sovereign
