#include "server/openai/served_model.h"

#include <fmt/format.h>

#include <algorithm>

namespace sovereign::server::openai {

bool ServedModel::is_called(std::string_view name) const {
  return name == id || std::find(aliases.begin(), aliases.end(), name) != aliases.end();
}

RequestLimits ServedModel::limits() const {
  RequestLimits limits;
  limits.vocabulary_size = model->info().vocabulary_size;
  limits.context_tokens = engine->context_tokens();
  return limits;
}

std::string make_fingerprint(const engine::ModelInfo& model, std::string_view build) {
  const auto text =
      fmt::format("{}|{}|{}|{}|{}", model.name, model.description, model.parameters, model.bytes, build);
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a, which is the same everywhere
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  return fmt::format("fp_{:010x}", hash & 0xFFFFFFFFFFU);
}

void ModelSlot::set(std::shared_ptr<const ServedModel> model) {
  const std::lock_guard lock(mutex_);
  model_ = std::move(model);
}

std::shared_ptr<const ServedModel> ModelSlot::get() const {
  const std::lock_guard lock(mutex_);
  return model_;
}

}  // namespace sovereign::server::openai
