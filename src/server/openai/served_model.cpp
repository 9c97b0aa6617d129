#include "server/openai/served_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

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

std::shared_ptr<const ServedModel> Serving::find(std::string_view name) const {
  for (const auto& model : models) {
    if (name.empty() || model->is_called(name)) return model;
  }
  return nullptr;
}

RequestLimits Serving::limits() const {
  if (gateway == nullptr && models.size() == 1) return models.front()->limits();
  // Of models elsewhere nobody here knows vocabulary and context: they check for themselves.
  RequestLimits limits;
  limits.vocabulary_size = std::numeric_limits<std::int32_t>::max();
  limits.context_tokens = std::numeric_limits<std::int32_t>::max();
  return limits;
}

ServingPtr ServingSlot::set(ServingPtr serving) {
  const std::lock_guard lock(mutex_);
  return std::exchange(serving_, std::move(serving));
}

ServingPtr ServingSlot::get() const {
  const std::lock_guard lock(mutex_);
  return serving_;
}

}  // namespace sovereign::server::openai
