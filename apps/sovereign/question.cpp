#include "question.h"

#include <boost/json.hpp>

namespace sovereign {

namespace json = boost::json;

double Answer::tokens_per_s() const {
  const double seconds = total_s - ttft_s;
  return completion_tokens > 1 && seconds > 0 ? static_cast<double>(completion_tokens - 1) / seconds : 0;
}

std::string messages_json(const Question& question) {
  json::array messages;
  if (!question.system.empty()) messages.push_back({{"role", "system"}, {"content", question.system}});
  messages.push_back({{"role", "user"}, {"content", question.prompt}});
  return json::serialize(messages);
}

}  // namespace sovereign
