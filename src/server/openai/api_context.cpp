#include "server/openai/api_context.h"

#include <chrono>

#include "gateway/routing.h"

namespace sovereign::server::openai {

outcome<std::shared_ptr<const ServedModel>> find_model(const Serving& serving, const std::string& name) {
  if (serving.models.empty()) return refuse(serving.embedded ? model_loading() : no_embedded_model());
  auto served = serving.find(name);
  // Who names nobody, or a tier, has no choice here.
  if (served == nullptr && gateway::names_nobody(name)) served = serving.find({});
  if (served == nullptr) return refuse(model_not_found(name, serving));
  return served;
}

std::int64_t unix_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
}

}  // namespace sovereign::server::openai
