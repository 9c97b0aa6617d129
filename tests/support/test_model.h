// The real model that tests run on.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace sovereign::testing {

// Path of the default model; `make test` sets it. A test that needs it fails without, with this message.
inline std::filesystem::path test_model_path() {
  const char* path = std::getenv("SOVEREIGN_TEST_MODEL");
  if (path == nullptr)
    ADD_FAILURE() << "set SOVEREIGN_TEST_MODEL to the default model's GGUF (make test does)";
  return path == nullptr ? std::filesystem::path() : std::filesystem::path(path);
}

}  // namespace sovereign::testing
