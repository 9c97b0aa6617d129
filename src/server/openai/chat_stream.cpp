#include "server/openai/chat_stream.h"

#include <algorithm>
#include <iterator>

namespace sovereign::server::openai {

ChatStream::ChatStream(const ResponseHead& head, std::uint32_t choices, bool include_usage,
                       bool with_logprobs, std::shared_ptr<const gateway::AnswerSyntax> syntax)
    : head_(head),
      chunks_(head, include_usage),
      include_usage_(include_usage),
      with_logprobs_(with_logprobs),
      syntax_(std::move(syntax)),
      choices_(choices) {}

const std::vector<engine::TokenLogprob>* ChatStream::logprobs_of(const Choice& choice) const {
  return with_logprobs_ && !choice.logprobs.empty() ? &choice.logprobs : nullptr;
}

void ChatStream::take_beginning(const runtime::Beginning& beginning) {
  syntax_ = beginning.syntax;
  if (!beginning.model_used.empty()) name_answerer(beginning.model_used, beginning.fingerprint);
}

void ChatStream::name_answerer(const std::string& model, const std::string& fingerprint) {
  head_.model = model;
  head_.fingerprint = fingerprint;
  chunks_ = ChatChunks(head_, include_usage_);
}

std::vector<std::string> ChatStream::absorb(TokenBatch batch) {
  tally_.add(batch);
  if (batch.beginning) take_beginning(*batch.beginning);
  std::vector<std::string> payloads;
  payloads.reserve(batch.deltas.size() + 3);
  std::vector<bool> grown(choices_.size());
  for (auto& delta : batch.deltas) {
    if (delta.choice >= choices_.size()) continue;
    auto& choice = choices_[delta.choice];
    std::move(delta.logprobs.begin(), delta.logprobs.end(), std::back_inserter(choice.logprobs));
    if (delta.finish) choice.finish = delta.finish;
    if (!choice.begun && (!delta.finish || is_regular(*delta.finish))) {
      choice.begun = true;
      begun_ = true;
      payloads.push_back(chunks_.role(delta.choice, syntax_ != nullptr));
    }
    if (syntax_ != nullptr) {
      choice.text += delta.text;
      grown[delta.choice] = true;
    } else {
      tell_plain(delta, payloads);
    }
  }
  for (std::uint32_t i = 0; i < grown.size(); ++i) {
    if (grown[i]) tell_parsed(i, payloads);
  }
  if (batch.result && !begun_) replay(*batch.result, payloads);
  if (!batch.done) return payloads;
  for (std::uint32_t i = 0; i < choices_.size(); ++i) {
    // An answer that was refused after it was told, by its seal for one, never ends well.
    if (!choices_[i].finish || batch.failure) continue;
    const bool known = batch.result && i < batch.result->choices.size();
    tell_finish(i, known ? batch.result->choices[i].quality.get() : nullptr, payloads);
  }
  if (batch.result && batch.result->receipt) payloads.push_back(chunks_.receipt(*batch.result->receipt));
  if (const auto failed = failure()) {
    payloads.push_back(to_event(*failed));
  } else if (include_usage_) {
    payloads.push_back(chunks_.usage(tally_.usage()));
  }
  payloads.emplace_back("[DONE]");
  return payloads;
}

void ChatStream::replay(const runtime::SovereignResult& result, std::vector<std::string>& payloads) {
  if (!result.model_used.empty() && result.model_used != head_.model)
    name_answerer(result.model_used, result.fingerprint);
  for (std::uint32_t i = 0; i < choices_.size() && i < result.choices.size(); ++i) {
    const runtime::Choice& found = result.choices[i];
    Choice& choice = choices_[i];
    choice.finish = found.finish;
    choice.logprobs = found.logprobs;
    payloads.push_back(chunks_.role(i, !found.message.tool_calls.empty()));
    for (const auto& delta : choice.deltas.advance(found.message)) {
      payloads.push_back(chunks_.delta(i, delta, logprobs_of(choice)));
      choice.logprobs.clear();
    }
  }
  begun_ = true;
}

void ChatStream::tell_plain(const engine::GenerationDelta& delta, std::vector<std::string>& payloads) {
  if (delta.text.empty()) return;
  auto& choice = choices_[delta.choice];
  payloads.push_back(chunks_.content(delta.choice, delta.text, logprobs_of(choice)));
  choice.logprobs.clear();
}

void ChatStream::tell_parsed(std::uint32_t index, std::vector<std::string>& payloads) {
  auto& choice = choices_[index];
  const bool partial = !choice.finish.has_value();
  const auto message = syntax_->read(choice.text, partial);
  for (const auto& delta : choice.deltas.advance(message)) {
    payloads.push_back(chunks_.delta(index, delta, logprobs_of(choice)));
    choice.logprobs.clear();
  }
}

void ChatStream::tell_finish(std::uint32_t index, const runtime::Quality* quality,
                             std::vector<std::string>& payloads) {
  auto& choice = choices_[index];
  if (!is_regular(*choice.finish)) return;  // the failure is told at the end
  payloads.push_back(chunks_.finish(index, finish_reason_name(*choice.finish, choice.deltas.has_tool_calls()),
                                    logprobs_of(choice), quality));
  choice.logprobs.clear();
}

}  // namespace sovereign::server::openai
