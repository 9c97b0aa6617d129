// Where models lie, and which file a model's name means.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/directories.h"

namespace sovereign::config {

struct StoredModel {
  std::string name;  // the file's name without ".gguf"
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};

// A folder of GGUF files. Holds only its path; every call looks at the disk.
class ModelStore {
 public:
  explicit ModelStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // $XDG_CACHE_HOME/sovereign/models and so on, see directories.h.
  static ModelStore of(const Environment& environment) {
    return ModelStore(cache_directory(environment) / "models");
  }

  const std::filesystem::path& folder() const { return folder_; }
  // By name; a folder that is not there has none.
  std::vector<StoredModel> list() const;

  // Where the model of the setting model.path is: "" means the default model, a word without '/' a file of
  // the working folder or else a model of the store (with or without ".gguf"), anything else a path.
  // Errors: not_found, saying where it was looked for and what to do.
  result<std::filesystem::path> resolve(std::string_view model) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace sovereign::config
