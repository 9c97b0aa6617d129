#include "base/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <string_view>

namespace sovereign {
namespace {

constexpr std::size_t kKeptBytes = 256 * 1024;
constexpr int kPollMs = 100;

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return number_; }
  void reset() {
    if (number_ >= 0) close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

struct SpawnActions {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnActions() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
};

// This process's environment with `changes` on top, as "NAME=value".
std::vector<std::string> merged_environment(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::map<std::string, std::string> merged;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) merged.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& [name, value] : changes) merged.insert_or_assign(name, value);
  std::vector<std::string> out;
  for (const auto& [name, value] : merged) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

result<pid_t> spawn(std::vector<std::string> arguments, const SubprocessOptions& options, int output) {
  SpawnActions actions;
  posix_spawn_file_actions_addopen(&actions.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions.files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions.files, output, STDERR_FILENO);
  if (!options.working_directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions.files, options.working_directory.c_str());
  }
  // The child must not inherit signals that this program blocks for its own signal thread.
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&actions.attributes, &none);
  posix_spawnattr_setflags(&actions.attributes, POSIX_SPAWN_SETSIGMASK);

  std::vector<std::string> environment = merged_environment(options.environment);
  pid_t child = -1;
  const int error = posix_spawnp(&child, arguments.front().c_str(), &actions.files, &actions.attributes,
                                 pointers(arguments).data(), pointers(environment).data());
  if (error == 0) return child;
  const ErrorCode code = error == ENOENT ? ErrorCode::not_found : ErrorCode::internal;
  return fail(code, fmt::format("cannot run {}: {}", arguments.front(), std::strerror(error)),
              arguments.front());
}

void keep_tail(std::string& text) {
  if (text.size() > 2 * kKeptBytes) text.erase(0, text.size() - kKeptBytes);
}

// Reads until the child closes its output; true when the caller cancelled before.
bool collect(int input, const std::function<bool()>& cancelled, std::string& text) {
  std::array<char, 16 * 1024> block;
  for (;;) {
    if (cancelled && cancelled()) return true;
    pollfd waiting{input, POLLIN, 0};
    if (poll(&waiting, 1, kPollMs) <= 0) continue;
    const ssize_t got = read(input, block.data(), block.size());
    if (got == 0) return false;
    if (got < 0 && errno != EINTR) return false;
    if (got > 0) text.append(block.data(), static_cast<std::size_t>(got));
    keep_tail(text);
  }
}

}  // namespace

result<SubprocessOutput> run_subprocess(const std::vector<std::string>& arguments,
                                        const SubprocessOptions& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return fail(ErrorCode::internal, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  const FileDescriptor input(ends[0]);
  FileDescriptor output(ends[1]);
  const auto child = spawn(arguments, options, output.get());
  if (!child) return fail(child.error());
  output.reset();

  SubprocessOutput outcome;
  const bool stopped = collect(input.get(), options.cancelled, outcome.text);
  if (stopped) kill(*child, SIGTERM);
  int status = 0;
  while (waitpid(*child, &status, 0) < 0 && errno == EINTR) {
  }
  if (stopped) return fail(ErrorCode::cancelled, fmt::format("{} was stopped", arguments.front()));
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (outcome.text.size() > kKeptBytes) outcome.text.erase(0, outcome.text.size() - kKeptBytes);
  return outcome;
}

}  // namespace sovereign
