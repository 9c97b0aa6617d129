#include "server/openai/api_context.h"

#include <chrono>

namespace sovereign::server::openai {

outcome<std::shared_ptr<const ServedModel>> find_model(const ApiContext& api, const std::string& name) {
  auto served = api.models.get();
  if (served == nullptr) return refuse(api.embedded ? model_loading() : no_embedded_model());
  if (!name.empty() && !served->is_called(name)) return refuse(model_not_found(name, *served));
  return served;
}

std::int64_t unix_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
}

}  // namespace sovereign::server::openai
