#include "server/metrics/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sovereign::server {
namespace {

// Fields of /proc/self/stat from the third on: the second, the program's name, may hold spaces.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(line.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

double boot_time_seconds() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  }
  return 0;
}

std::uint64_t count_open_fds() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
       entry.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // without the one that reads the folder
}

}  // namespace

result<ProcessStats> read_process_stats() {
  // Numbers of fields in proc(5), less the three that come before index 0.
  constexpr std::size_t kUserTicks = 11;
  constexpr std::size_t kSystemTicks = 12;
  constexpr std::size_t kThreads = 17;
  constexpr std::size_t kStartTicks = 19;
  constexpr std::size_t kVirtualBytes = 20;
  constexpr std::size_t kResidentPages = 21;
  const auto fields = stat_fields();
  if (fields.size() <= kResidentPages) return fail(ErrorCode::unavailable, "/proc/self/stat cannot be read");
  const auto number = [&](std::size_t i) { return std::strtoull(fields[i].c_str(), nullptr, 10); };
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  ProcessStats stats;
  stats.cpu_seconds = static_cast<double>(number(kUserTicks) + number(kSystemTicks)) / ticks_per_second;
  stats.start_time_seconds =
      boot_time_seconds() + static_cast<double>(number(kStartTicks)) / ticks_per_second;
  stats.threads = number(kThreads);
  stats.virtual_bytes = number(kVirtualBytes);
  stats.resident_bytes = number(kResidentPages) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  stats.open_fds = count_open_fds();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = limit.rlim_cur;
  return stats;
}

void write_process_stats(PrometheusText& text, const ProcessStats& stats) {
  const auto real = [](std::uint64_t value) { return static_cast<double>(value); };
  text.counter("process_cpu_seconds_total", "User and system CPU time.", stats.cpu_seconds);
  text.gauge("process_start_time_seconds", "When the process began, in Unix time.", stats.start_time_seconds);
  text.gauge("process_resident_memory_bytes", "Resident memory.", real(stats.resident_bytes));
  text.gauge("process_virtual_memory_bytes", "Virtual memory.", real(stats.virtual_bytes));
  text.gauge("process_threads", "Threads.", real(stats.threads));
  text.gauge("process_open_fds", "Open file descriptors.", real(stats.open_fds));
  text.gauge("process_max_fds", "Most file descriptors allowed.", real(stats.max_fds));
}

}  // namespace sovereign::server
