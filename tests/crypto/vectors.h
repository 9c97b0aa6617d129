// Where the public test vectors lie: $SOVEREIGN_VECTORS, or shared/vectors beside the repository.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace sovereign::crypto {

inline std::filesystem::path vectors_folder() {
  if (const char* folder = std::getenv("SOVEREIGN_VECTORS")) return folder;
  return std::filesystem::path(SOVEREIGN_SOURCE_DIR) / "../shared/vectors";
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace sovereign::crypto

// Skips the test, with the reason, when the vectors are not on this machine.
#define SOVEREIGN_NEEDS_VECTORS(relative)                                                                \
  if (!std::filesystem::exists(::sovereign::crypto::vectors_folder() / (relative)))                      \
  GTEST_SKIP() << "no test vectors at " << (::sovereign::crypto::vectors_folder() / (relative)).string() \
               << ": set SOVEREIGN_VECTORS to the folder that holds jcs/ and ed25519/"
