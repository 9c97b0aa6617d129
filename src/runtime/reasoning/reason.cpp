#include "runtime/reasoning/reason.h"

#include <utility>

namespace sovereign::runtime {

result<ReasoningOutcome> reason(std::string_view question, const ReasoningConfig& config,
                                ThoughtGenerator& generator, const Clock& clock) {
  if (auto valid = validate(config); !valid) return fail(std::move(valid.error()));
  Reasoner reasoner(question, config);
  while (true) {
    const std::vector<ThoughtRequest> requests = reasoner.next(clock.now());
    if (requests.empty()) break;
    auto results = generator.generate(requests, reasoner.deadline());
    if (!results) return fail(std::move(results.error()));
    for (ThoughtResult& thought : *results) reasoner.on_result(std::move(thought));
    // A generator that forgot a request must not leave the level open.
    for (const ThoughtRequest& request : requests) {
      if (reasoner.level_complete()) break;
      ThoughtResult missing;
      missing.id = request.id;
      missing.error = "the generator gave no result";
      reasoner.on_result(std::move(missing));
    }
  }
  ReasoningOutcome outcome = reasoner.outcome();
  if (outcome.best_path.empty()) {
    return fail(ErrorCode::unavailable, outcome.error.empty()
                                            ? "reasoning brought no answer"
                                            : "reasoning brought no answer: " + outcome.error);
  }
  return outcome;
}

}  // namespace sovereign::runtime
