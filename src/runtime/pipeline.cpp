#include "runtime/pipeline.h"

#include <utility>

#include "runtime/query_run.h"

namespace sovereign::runtime {

std::shared_ptr<const Pipeline> Pipeline::create(std::vector<std::unique_ptr<Stage>> stages,
                                                 const Clock& clock, Executor executor, AnswerPolicy policy,
                                                 bool waits) {
  return std::shared_ptr<const Pipeline>(
      new Pipeline(std::move(stages), clock, std::move(executor), std::move(policy), waits));
}

void Pipeline::start(SovereignQuery query, const std::shared_ptr<gateway::Backend>& backend,
                     std::shared_ptr<QueryClient> client, std::optional<Duration> choosing) const {
  const auto run =
      std::make_shared<QueryRun>(shared_from_this(), std::move(query), backend, std::move(client), choosing);
  run->accept();
  run->enter_stage();
}

}  // namespace sovereign::runtime
