#include "server/openai/completion_stream.h"

#include <iterator>

namespace sovereign::server::openai {

CompletionStream::CompletionStream(const ResponseHead& head, std::vector<std::string> echoes,
                                   bool include_usage, bool with_logprobs)
    : chunks_(head, include_usage), include_usage_(include_usage), with_logprobs_(with_logprobs) {
  for (auto& echo : echoes) choices_.push_back({std::move(echo), {}, 0});
}

std::vector<std::string> CompletionStream::absorb(TokenBatch batch) {
  tally_.add(batch);
  std::vector<std::string> payloads;
  payloads.reserve(batch.deltas.size() + 2);
  for (auto& delta : batch.deltas) {
    if (delta.choice >= choices_.size()) continue;
    auto& choice = choices_[delta.choice];
    std::move(delta.logprobs.begin(), delta.logprobs.end(), std::back_inserter(choice.logprobs));
    const bool ends = delta.finish && is_regular(*delta.finish);
    if (delta.finish && !ends) continue;  // the failure is told at the end
    if (delta.text.empty() && choice.echo.empty() && !ends) continue;
    const auto text = choice.echo.empty() ? std::move(delta.text) : std::move(choice.echo) + delta.text;
    choice.echo.clear();
    const bool tell_logprobs = with_logprobs_ && !choice.logprobs.empty();
    payloads.push_back(chunks_.text(delta.choice, text, tell_logprobs ? &choice.logprobs : nullptr,
                                    choice.characters, ends ? finish_reason_name(*delta.finish, false) : ""));
    for (const auto& entry : choice.logprobs) choice.characters += count_characters(entry.chosen.bytes);
    choice.logprobs.clear();
  }
  if (!batch.done) return payloads;
  if (const auto failed = failure()) {
    payloads.push_back(to_event(*failed));
  } else if (include_usage_) {
    payloads.push_back(chunks_.usage(tally_.usage()));
  }
  payloads.emplace_back("[DONE]");
  return payloads;
}

}  // namespace sovereign::server::openai
