#include "passphrase.h"

#include <fmt/format.h>
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

result<Passphrase> Passphrase::read_line(std::string_view prompt) {
  auto bytes = crypto::SecretBytes::allocate(kMostBytes);
  if (!bytes) return fail(std::move(bytes.error()));
  if (::isatty(STDIN_FILENO) != 0) fmt::print(stderr, "{}: ", prompt);
  const SilentTerminal silent;
  // Byte by byte and past the library's buffers, which would keep a copy.
  std::size_t size = 0;
  for (;;) {
    std::byte byte{};
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
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
  auto first = read_line(prompt);
  if (!first || !twice || ::isatty(STDIN_FILENO) == 0) return first;
  const auto second = read_line("Again");
  if (!second) return fail(second.error());
  if (!constant_time_equal(first->text(), second->text()))
    return fail(ErrorCode::invalid_argument, "the two passphrases are not the same");
  return first;
}

}  // namespace sovereign
