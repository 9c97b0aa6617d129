#include "runtime/sealed_texts.h"

#include <fmt/format.h>

#include <cassert>

#include "crypto/canonical_writer.h"

namespace sovereign::runtime {
namespace {

void write_calls(crypto::CanonicalWriter& out, const std::vector<engine::ChatToolCall>& calls) {
  out.key("tool_calls");
  out.begin_array();
  for (const auto& call : calls) {
    out.begin_object();
    out.key("arguments");
    out.string(call.arguments);
    out.key("name");
    out.string(call.name);
    out.end_object();
  }
  out.end_array();
}

void write_choice(crypto::CanonicalWriter& out, const engine::ChatMessage& message) {
  const auto text = [&out](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    out.key(name);
    out.string(value);
  };
  out.begin_object();
  text("content", message.content);
  text("reasoning_content", message.reasoning_content);
  if (!message.tool_calls.empty()) write_calls(out, message.tool_calls);
  out.end_object();
}

}  // namespace

std::string sealed_answer(const std::vector<Choice>& choices) {
  if (choices.size() == 1) {
    const engine::ChatMessage& only = choices.front().message;
    if (only.tool_calls.empty() && only.reasoning_content.empty()) return only.content;
  }
  std::string text;
  crypto::StringSink sink(text);
  crypto::CanonicalWriter out(sink);
  out.begin_array();
  for (const Choice& choice : choices) write_choice(out, choice.message);
  out.end_array();
  out.finish();
  return text;
}

std::map<std::string, std::string> sealed_sampling(const SovereignQuery& query, const SovereignResult& result,
                                                   const gateway::BackendIdentity& identity) {
  std::map<std::string, std::string> sealed = identity.settings;
  const engine::SamplingParams& sampling = query.sampling;
  const auto add = [&sealed](const char* name, const auto& value) {
    sealed.insert_or_assign(name, fmt::format("{}", value));
  };
  // Names and words of the API, so that a reader knows them.
  add("temperature", sampling.temperature);
  add("top_k", sampling.top_k);
  add("top_p", sampling.top_p);
  add("min_p", sampling.min_p);
  add("typical_p", sampling.typical_p);
  add("repeat_penalty", sampling.repeat_penalty);
  add("frequency_penalty", sampling.frequency_penalty);
  add("presence_penalty", sampling.presence_penalty);
  add("penalty_last_n", sampling.penalty_last_n);
  add("max_tokens", query.max_tokens);
  add("n", query.n);
  add("max_depth", query.max_depth);
  add("require_reasoning", query.require_reasoning);
  // What came before the answer, or instead of a first one: replay cannot repeat that.
  if (result.reasoning) add("reasoning_tokens", result.usage.reasoning_tokens);
  if (!result.choices.empty() && result.choices.front().quality &&
      result.choices.front().quality->retries > 0) {
    add("retries", result.choices.front().quality->retries);
  }
  if (!result.variant.empty()) add("canary", result.variant);
  if (result.seed) add("seed", *result.seed);
  if (query.receipt) add("form", query.receipt->form);
  return sealed;
}

pci::ReceiptDraft draft_receipt(const SovereignQuery& query, const SovereignResult& result,
                                const gateway::BackendIdentity& identity, std::string_view answer) {
  assert(query.receipt);
  pci::ReceiptDraft draft;
  draft.query = query.receipt->text;
  draft.answer = answer;
  draft.model_name = result.model_used;
  draft.model_digest = identity.weights.value_or(crypto::Digest{});
  draft.sampling = sealed_sampling(query, result, identity);
  if (!result.choices.empty() && result.choices.front().quality) {
    draft.scores = pci::to_scores(result.choices.front().quality->assessment.vector);
  }
  draft.received_ms = query.receipt->received_ms;
  return draft;
}

}  // namespace sovereign::runtime
