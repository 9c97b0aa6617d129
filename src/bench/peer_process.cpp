#include "bench/peer_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "net/blocking_http.h"

namespace sovereign::bench {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStopGrace{10'000};
constexpr milliseconds kReadyPoll{50};
constexpr std::size_t kMaxToolOutputBytes = 16 * 1024 * 1024;

// Starts the program with `output` as its standard output (-1: the log).
result<pid_t> spawn(const PeerCommand& command, int output) {
  if (::access(command.program.c_str(), X_OK) != 0) {
    return fail(ErrorCode::not_found, fmt::format("no program at {}", command.program.string()),
                command.program.string());
  }
  const std::string log = command.log.empty() ? "/dev/null" : command.log.string();
  const int log_file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log_file < 0) return fail(ErrorCode::unavailable, fmt::format("cannot write {}", log), log);

  std::vector<std::string> words{command.program.string()};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    // Only async-signal-safe calls between fork() and exec().
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    const int input = ::open("/dev/null", O_RDONLY);
    ::dup2(input, STDIN_FILENO);
    ::dup2(output >= 0 ? output : log_file, STDOUT_FILENO);
    ::dup2(log_file, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(log_file);
  if (child < 0)
    return fail(ErrorCode::unavailable, fmt::format("cannot start {}", command.program.string()));
  return child;
}

// True when the process ended within the limit; it is then still to be reaped.
bool wait_for_end(pid_t process, milliseconds limit) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (handle < 0) return errno == ESRCH;
  pollfd poll_for{handle, POLLIN, 0};
  const int ready = ::poll(&poll_for, 1, static_cast<int>(limit.count()));
  ::close(handle);
  return ready > 0;
}

// Reads until the writer closes or time is over; false: over, or too much.
bool read_all(int from, std::string& text, milliseconds limit) {
  const Time deadline = SteadyClock().now() + limit;
  std::array<char, 16 * 1024> chunk;
  while (text.size() < kMaxToolOutputBytes) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock().now());
    pollfd poll_for{from, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&poll_for, 1, static_cast<int>(left.count())) <= 0) return false;
    const ssize_t bytes = ::read(from, chunk.data(), chunk.size());
    if (bytes <= 0) return bytes == 0;
    text.append(chunk.data(), static_cast<std::size_t>(bytes));
  }
  return false;
}

}  // namespace

std::string PeerCommand::line() const {
  return fmt::format("{} {}", program.filename().string(), fmt::join(arguments, " "));
}

result<PeerProcess> PeerProcess::start(const PeerCommand& command) {
  auto id = spawn(command, -1);
  if (!id) return fail(std::move(id.error()));
  return PeerProcess(*id, command.log);
}

PeerProcess::PeerProcess(PeerProcess&& other) noexcept
    : id_(std::exchange(other.id_, -1)), log_(std::move(other.log_)) {}

PeerProcess& PeerProcess::operator=(PeerProcess&& other) noexcept {
  if (this != &other) {
    stop();
    id_ = std::exchange(other.id_, -1);
    log_ = std::move(other.log_);
  }
  return *this;
}

PeerProcess::~PeerProcess() { stop(); }

bool PeerProcess::alive() noexcept {
  if (id_ < 0) return false;
  if (::waitpid(id_, nullptr, WNOHANG) == 0) return true;
  id_ = -1;
  return false;
}

result<void> PeerProcess::wait_until_ready(const std::string& url, milliseconds limit) {
  const Time deadline = SteadyClock().now() + limit;
  net::BlockingHttp http;
  while (SteadyClock().now() < deadline) {
    const pid_t id = id_;
    if (!alive()) {
      return fail(ErrorCode::unavailable,
                  fmt::format("process {} ended before it was ready; see {}", id, log_.string()));
    }
    net::ClientRequest request;
    request.url = url;
    request.timeouts.total = milliseconds(2'000);
    const auto answer = http.fetch(std::move(request));
    if (answer && answer->status == 200) return {};
    if (wait_for_end(id_, kReadyPoll)) continue;
  }
  return fail(ErrorCode::deadline_exceeded,
              fmt::format("{} was not ready within {} ms; see {}", url, limit.count(), log_.string()));
}

void PeerProcess::stop() noexcept {
  if (!alive()) return;
  ::kill(id_, SIGTERM);
  if (!wait_for_end(id_, kStopGrace)) ::kill(id_, SIGKILL);
  ::waitpid(id_, nullptr, 0);
  id_ = -1;
}

result<std::string> run_tool(const PeerCommand& command, milliseconds limit) {
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0)
    return fail(ErrorCode::resource_exhausted, "cannot make a pipe");
  const auto id = spawn(command, pipe_ends[1]);
  ::close(pipe_ends[1]);
  std::string text;
  const bool complete = id && read_all(pipe_ends[0], text, limit);
  ::close(pipe_ends[0]);
  if (!id) return fail(id.error());
  if (!complete) ::kill(*id, SIGKILL);
  int status = 0;
  ::waitpid(*id, &status, 0);
  if (!complete) {
    return fail(ErrorCode::deadline_exceeded,
                fmt::format("{} did not end within {} ms", command.program.string(), limit.count()));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(ErrorCode::unavailable,
                fmt::format("{} failed; see {}", command.line(), command.log.string()));
  }
  return text;
}

result<std::uint16_t> free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound =
      socket >= 0 && ::bind(socket, generic, size) == 0 && ::getsockname(socket, generic, &size) == 0;
  if (socket >= 0) ::close(socket);
  if (!bound) return fail(ErrorCode::resource_exhausted, "no free TCP port on 127.0.0.1");
  return ntohs(address.sin_port);
}

}  // namespace sovereign::bench
