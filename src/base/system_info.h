// What this machine offers, as far as the kernel tells: for `sovereign doctor` and benchmark records.
//
// Linux only; a value that cannot be read is empty or 0. Every call reads afresh and is thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sovereign {

struct CpuInfo {
  std::string model;                  // "AMD EPYC 9R14"
  std::vector<std::string> features;  // those that matter for inference: avx2, fma, avx512_vnni ...
  unsigned logical = 0;               // CPUs this process may run on (affinity)
  unsigned physical = 0;              // distinct cores among them
};
CpuInfo cpu_info();

struct MemoryInfo {
  std::uint64_t total_bytes = 0;      // the machine's, or the control group's limit when lower
  std::uint64_t available_bytes = 0;  // without swapping
};
MemoryInfo memory_info();

// Free for an unprivileged user on the file system of `path`, or of its nearest existing parent.
std::uint64_t free_disk_bytes(const std::filesystem::path& path);

struct FileLimit {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};
FileLimit open_file_limit();

// "Debian GNU/Linux 12 (bookworm), Linux 6.1.0 x86_64".
std::string operating_system();

}  // namespace sovereign
