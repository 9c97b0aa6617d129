#include "server/query/query_stream.h"

#include "server/openai/api_context.h"
#include "server/query/query_response.h"

namespace sovereign::server {

void QueryStream::tell(std::string_view text, std::vector<std::string>& payloads) {
  if (text.empty()) return;
  begun_ = true;
  payloads.push_back(delta_event(text));
}

std::vector<std::string> QueryStream::absorb(openai::TokenBatch batch) {
  if (batch.beginning) syntax_ = batch.beginning->syntax;
  std::vector<std::string> payloads;
  std::string grown;
  bool ended = false;
  for (const auto& delta : batch.deltas) {
    grown += delta.text;
    ended = ended || delta.finish.has_value();
  }
  if (syntax_ == nullptr) {
    tell(grown, payloads);
  } else if (!grown.empty() || ended) {
    raw_ += grown;
    const auto content = syntax_->read(raw_, !ended).content;
    // What was told cannot be taken back.
    if (content.size() > told_.size() && content.starts_with(told_)) {
      tell(std::string_view(content).substr(told_.size()), payloads);
      told_ = content;
    }
  }
  if (batch.result) {
    if (!begun_) tell(batch.result->choices.front().message.content, payloads);
    payloads.push_back(result_event(*batch.result, openai::unix_now()));
  }
  if (batch.failure) {
    failure_.emplace(*batch.failure);
    payloads.push_back(openai::to_event(*failure_));
  }
  if (batch.done) payloads.emplace_back("[DONE]");
  return payloads;
}

}  // namespace sovereign::server
