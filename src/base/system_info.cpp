#include "base/system_info.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

namespace sovereign {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 14> kInferenceFeatures = {
    "sse4_2",      "avx",         "avx2",     "fma",      "f16c",  "bmi2",    "avx512f",
    "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "asimd", "asimddp", "i8mm"};

// First line of a small file of /proc or /sys; empty when it cannot be read.
std::string first_line(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// The value of the first "name : value" line of /proc/cpuinfo.
std::string cpuinfo_value(std::string_view name) {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(name, 0) != 0) continue;
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) return line.substr(colon + 2);
  }
  return {};
}

std::uint64_t meminfo_bytes(std::string_view name) {
  std::ifstream in("/proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(name, 0) != 0) continue;
    std::istringstream rest(line.substr(line.find(':') + 1));
    std::uint64_t kib = 0;
    rest >> kib;
    return kib * 1024;
  }
  return 0;
}

std::uint64_t number_in(const fs::path& path) {
  std::istringstream in(first_line(path));
  std::uint64_t number = 0;
  in >> number;
  return number;  // "max" and an absent file read as 0: no limit
}

// Folder of this process's control group (v2), e.g. /sys/fs/cgroup/system.slice/sovereign.service.
fs::path control_group() {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("0::/", 0) == 0) return fs::path("/sys/fs/cgroup") / line.substr(4);
  }
  return "/sys/fs/cgroup";
}

}  // namespace

CpuInfo cpu_info() {
  CpuInfo info;
  info.model = cpuinfo_value("model name");
  std::istringstream flags(cpuinfo_value("flags") + " " + cpuinfo_value("Features"));
  const std::set<std::string> present{std::istream_iterator<std::string>(flags), {}};
  for (const std::string_view feature : kInferenceFeatures) {
    if (present.contains(std::string(feature))) info.features.emplace_back(feature);
  }
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return info;
  std::set<std::string> cores;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    ++info.logical;
    const fs::path topology = fmt::format("/sys/devices/system/cpu/cpu{}/topology", cpu);
    const std::string core = first_line(topology / "core_id");
    cores.insert(core.empty() ? fmt::format("cpu{}", cpu)
                              : first_line(topology / "physical_package_id") + ":" + core);
  }
  info.physical = static_cast<unsigned>(cores.size());
  return info;
}

MemoryInfo memory_info() {
  MemoryInfo info{meminfo_bytes("MemTotal"), meminfo_bytes("MemAvailable")};
  const fs::path group = control_group();
  const std::uint64_t limit = number_in(group / "memory.max");
  if (limit != 0 && limit < info.total_bytes) {
    info.total_bytes = limit;
    const std::uint64_t used = number_in(group / "memory.current");
    info.available_bytes = std::min(info.available_bytes, limit > used ? limit - used : 0);
  }
  return info;
}

std::uint64_t free_disk_bytes(const fs::path& path) {
  std::error_code error;
  fs::path at = fs::absolute(path, error);
  while (!fs::exists(at, error) && at.has_relative_path()) at = at.parent_path();
  const fs::space_info space = fs::space(at, error);
  return error ? 0 : space.available;
}

FileLimit open_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  return {limit.rlim_cur, limit.rlim_max};
}

std::string operating_system() {
  std::string name = "Linux";
  std::ifstream in("/etc/os-release");
  for (std::string line; std::getline(in, line);) {
    constexpr std::string_view kKey = "PRETTY_NAME=";
    if (line.rfind(kKey, 0) != 0) continue;
    name = line.substr(kKey.size());
    std::erase(name, '"');
  }
  utsname kernel{};
  if (uname(&kernel) != 0) return name;
  return fmt::format("{}, {} {} {}", name, kernel.sysname, kernel.release, kernel.machine);
}

}  // namespace sovereign
