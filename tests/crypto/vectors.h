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

// Empty, or what is not on this machine.
inline std::string missing_vectors(const char* relative) {
  const std::filesystem::path path = vectors_folder() / relative;
  if (std::filesystem::exists(path)) return {};
  return "no test vectors at " + path.string() +
         ": set SOVEREIGN_VECTORS to the folder that holds jcs/ and ed25519/";
}

}  // namespace sovereign::crypto

// Skips the test, with the reason, when the vectors are not on this machine; continuous integration, which
// has them, sets SOVEREIGN_TEST_VECTORS_REQUIRED, and the test fails.
#define SOVEREIGN_NEEDS_VECTORS(relative)                                                            \
  if (const std::string missing = ::sovereign::crypto::missing_vectors(relative); missing.empty()) { \
  } else if (std::getenv("SOVEREIGN_TEST_VECTORS_REQUIRED") != nullptr)                              \
    FAIL() << missing;                                                                               \
  else                                                                                               \
    GTEST_SKIP() << missing
