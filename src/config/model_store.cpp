#include "config/model_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/default_model.h"

namespace sovereign::config {

namespace fs = std::filesystem;

std::vector<StoredModel> ModelStore::list() const {
  std::vector<StoredModel> models;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    std::error_code ignored;
    if (path.extension() != ".gguf" || !it->is_regular_file(ignored)) continue;
    models.push_back({path.stem().string(), path, it->file_size(ignored)});
  }
  std::sort(models.begin(), models.end(),
            [](const StoredModel& a, const StoredModel& b) { return a.name < b.name; });
  return models;
}

result<fs::path> ModelStore::resolve(std::string_view model) const {
  std::error_code ignored;
  if (model.empty()) {
    fs::path path = folder_ / default_model().file_name();
    if (fs::exists(path, ignored)) return path;
    return fail(
        ErrorCode::not_found,
        fmt::format("the default model is not at {}: 'sovereign model fetch' downloads it, --model FILE "
                    "names another",
                    path.string()),
        "model.path");
  }
  const fs::path given = model;
  if (fs::exists(given, ignored)) return given;
  if (model.find('/') != std::string_view::npos) {
    return fail(ErrorCode::not_found, fmt::format("no model file at {}", given.string()), "model.path");
  }
  for (const fs::path& path : {folder_ / given, folder_ / (std::string(model) + ".gguf")}) {
    if (fs::exists(path, ignored)) return path;
  }
  return fail(ErrorCode::not_found,
              fmt::format("no model '{}' here or in {} ('sovereign model list' shows what is there)", model,
                          folder_.string()),
              "model.path");
}

}  // namespace sovereign::config
