// The real model that tests use, loaded once per program.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "engine/llama_model.h"

namespace sovereign::engine {

inline std::string test_model_path() {
  const char* path = std::getenv("SOVEREIGN_TEST_MODEL");
  if (path == nullptr) throw std::runtime_error("set SOVEREIGN_TEST_MODEL to the default model's GGUF file");
  return path;
}

inline std::shared_ptr<const LlamaModel> test_model() {
  static const std::shared_ptr<const LlamaModel> model = [] {
    auto loaded = LlamaModel::load(test_model_path(), 0);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    return *loaded;
  }();
  return model;
}

}  // namespace sovereign::engine
