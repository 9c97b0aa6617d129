#include <sys/mman.h>

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

#include "kernels/ggml_weights.h"

namespace sovereign::kernels {
namespace {

struct Range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

// The addresses at the start of a line of /proc/self/maps: "7f00-7fff r--s …"; empty when it has none.
Range range_of(std::string_view line) {
  Range range;
  const char* const end = line.data() + line.size();
  const auto first = std::from_chars(line.data(), end, range.begin, 16);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return {};
  const auto second = std::from_chars(first.ptr + 1, end, range.end, 16);
  return second.ec == std::errc() ? range : Range{};
}

}  // namespace

void release_mapped_pages(const std::filesystem::path& file) {
  std::error_code ec;
  const std::string path = std::filesystem::canonical(file, ec).string();
  if (ec) return;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.size() <= path.size() || !line.ends_with(path) || line[line.size() - path.size() - 1] != ' ')
      continue;
    // Only what cannot be written: dropping such pages loses nothing.
    if (line.find(" r--") == std::string::npos) continue;
    const Range range = range_of(line);
    if (range.begin < range.end) {
      madvise(reinterpret_cast<void*>(range.begin), range.end - range.begin, MADV_DONTNEED);
    }
  }
}

}  // namespace sovereign::kernels
