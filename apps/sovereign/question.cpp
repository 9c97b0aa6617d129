#include "question.h"

#include "runtime/prompt.h"

namespace sovereign {

double Answer::tokens_per_s() const {
  const double seconds = total_s - ttft_s;
  return completion_tokens > 1 && seconds > 0 ? static_cast<double>(completion_tokens - 1) / seconds : 0;
}

std::string messages_json(const Question& question) {
  runtime::SovereignQuery query;
  query.content = question.prompt;
  query.system = question.system;
  query.context = question.context;
  return runtime::compose_messages(query);
}

}  // namespace sovereign
