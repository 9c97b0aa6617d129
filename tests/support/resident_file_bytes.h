// How much of a file is in this process's memory by being mapped, as the kernel tells it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace sovereign::testing {

// The sum of Rss over all its mappings in /proc/self/smaps.
inline std::size_t resident_file_bytes(const std::filesystem::path& file) {
  const std::string path = std::filesystem::canonical(file).string();
  std::ifstream smaps("/proc/self/smaps");
  std::size_t kib = 0;
  bool ours = false;
  for (std::string line; std::getline(smaps, line);) {
    // A mapping's first line begins with its addresses, the others with a word and a colon.
    if (line.find('-') < line.find(' ')) {
      ours = line.ends_with(" " + path);
    } else if (ours && line.starts_with("Rss:")) {
      std::size_t part = 0;
      std::istringstream(line.substr(4)) >> part;
      kib += part;
    }
  }
  return kib * 1024;
}

}  // namespace sovereign::testing
