#include "passphrase.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>

#include "base/sha256.h"

namespace sovereign {
namespace {

// The terminal's echo is off while this lives.
class SilentTerminal {
 public:
  SilentTerminal() {
    if (::isatty(STDIN_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (!changed_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    fmt::print(stderr, "\n");
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

}  // namespace

result<Passphrase> Passphrase::read_line(int file) {
  auto bytes = crypto::SecretBytes::allocate(kMostBytes);
  if (!bytes) return fail(std::move(bytes.error()));
  // Byte by byte and past the library's buffers, which would keep a copy.
  std::size_t size = 0;
  for (;;) {
    std::byte byte{};
    const ssize_t got = ::read(file, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || byte == std::byte{'\n'}) break;
    if (size == kMostBytes)
      return fail(ErrorCode::invalid_argument, fmt::format("a passphrase has at most {} bytes", kMostBytes));
    bytes->bytes()[size++] = byte;
  }
  if (size == 0) return fail(ErrorCode::invalid_argument, "the passphrase is empty");
  return Passphrase(std::move(*bytes), size);
}

result<Passphrase> Passphrase::read(std::string_view prompt, bool twice) {
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  const auto ask = [terminal](std::string_view words) {
    if (terminal) fmt::print(stderr, "{}: ", words);
    const SilentTerminal silent;
    return read_line(STDIN_FILENO);
  };
  auto first = ask(prompt);
  if (!first || !twice || !terminal) return first;
  const auto second = ask("Again");
  if (!second) return fail(second.error());
  if (!constant_time_equal(first->text(), second->text()))
    return fail(ErrorCode::invalid_argument, "the two passphrases are not the same");
  return first;
}

result<Passphrase> Passphrase::from_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return fail(ErrorCode::not_found, fmt::format("cannot read the passphrase in {}", path.string()),
                path.string());
  }
  struct stat about {};
  const bool closed_to_others = ::fstat(file, &about) == 0 && (about.st_mode & 077U) == 0;
  result<Passphrase> passphrase =
      fail(ErrorCode::permission_denied,
           fmt::format("others may read the passphrase in {0}: chmod 600 {0}", path.string()), path.string());
  if (closed_to_others) passphrase = read_line(file);
  ::close(file);
  return passphrase;
}

}  // namespace sovereign
