#include "server/openai/api_context.h"

#include <algorithm>
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

std::optional<Time> deadline_of(const ApiContext& api, std::optional<std::chrono::milliseconds> timeout) {
  const auto most = api.config.request_timeout;
  if (most.count() > 0) timeout = std::min(timeout.value_or(most), most);
  if (!timeout) return std::nullopt;
  return api.clock.now() + *timeout;
}

std::int64_t unix_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
}

}  // namespace sovereign::server::openai
