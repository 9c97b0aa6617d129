#include "bench/process_usage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sovereign::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kKiB = 1024;
constexpr double kNanosecond = 1e-9;

// The number after "key:" in a file of such lines; 0 when it is not there.
std::uint64_t field_of(const fs::path& file, std::string_view key) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    if (line.size() > key.size() && line.compare(0, key.size(), key) == 0 && line[key.size()] == ':') {
      return std::strtoull(line.c_str() + key.size() + 1, nullptr, 10);
    }
  }
  return 0;
}

// utime and stime are fields 14 and 15; the name before them may hold spaces, so count from its ")".
double cpu_seconds_of(const fs::path& stat) {
  std::ifstream in(stat);
  std::stringstream text;
  text << in.rdbuf();
  const std::string line = text.str();
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream rest(line.substr(end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

result<ProcessUsage> usage_of(pid_t process) {
  const fs::path folder = fmt::format("/proc/{}", process);
  std::error_code ec;
  if (!fs::exists(folder, ec)) return fail(ErrorCode::not_found, fmt::format("process {} is gone", process));
  ProcessUsage usage;
  usage.cpu_seconds = cpu_seconds_of(folder / "stat");
  usage.rss_bytes = field_of(folder / "status", "VmRSS") * kKiB;
  usage.peak_rss_bytes = field_of(folder / "status", "VmHWM") * kKiB;
  usage.pss_bytes = field_of(folder / "smaps_rollup", "Pss") * kKiB;
  return usage;
}

ProcessUsage usage_of_self() { return usage_of(::getpid()).value_or(ProcessUsage{}); }

std::vector<ThreadUsage> threads_of(pid_t process) {
  std::vector<ThreadUsage> threads;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/task", process), ec)) {
    ThreadUsage thread;
    thread.id = static_cast<pid_t>(std::strtol(entry.path().filename().c_str(), nullptr, 10));
    std::ifstream name(entry.path() / "comm");
    std::getline(name, thread.name);
    // Its first number is the time on a CPU in nanoseconds: finer than stat's ticks of 10 ms.
    std::uint64_t on_cpu_ns = 0;
    if (std::ifstream(entry.path() / "schedstat") >> on_cpu_ns) {
      thread.cpu_seconds = static_cast<double>(on_cpu_ns) * kNanosecond;
    } else {
      thread.cpu_seconds = cpu_seconds_of(entry.path() / "stat");
    }
    threads.push_back(std::move(thread));
  }
  return threads;
}

}  // namespace sovereign::bench
