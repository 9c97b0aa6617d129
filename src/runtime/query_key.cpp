#include "runtime/query_key.h"

#include <ctime>

namespace sovereign::runtime {
namespace {

using cache::KeyEncoder;
using cache::KeyField;

// Days since 1900, as the template's clock counts them: in local time.
std::uint64_t today() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return static_cast<std::uint64_t>(local.tm_year) * 366 + static_cast<std::uint64_t>(local.tm_yday);
}

void add_context(const SovereignQuery& query, KeyEncoder& encoder) {
  encoder.begin_list(KeyField::context, query.context.size() * 3);
  for (const ContextItem& item : query.context) {
    encoder.add_flag(KeyField::item, item.is_value);
    encoder.add_text(KeyField::item, item.title);
    encoder.add_text(KeyField::item, item.text);
  }
}

// Whether anything on the way to the answer is drawn: tokens, the thoughts before them, or the tokens of a
// second try. Thoughts and retries of greedy queries have a temperature and a top_k of their own, and take
// the rest from the query (reasoning_policy.h, retry_sampling.h).
bool draws(const SovereignQuery& query, const AnswerPolicy& policy) {
  return !query.sampling.greedy() || query.reasons() || policy.retries;
}

void add_sampling(const SovereignQuery& query, const AnswerPolicy& policy, KeyEncoder& encoder) {
  const engine::SamplingParams& sampling = query.sampling;
  const bool greedy = sampling.greedy();
  const bool drawn = draws(query, policy);
  encoder.begin_list(KeyField::sampling, 11);
  // Greedy is greedy, however it was asked for: what only shapes chance is left out, where there is none.
  encoder.add_flag(KeyField::item, greedy);
  encoder.add_real(KeyField::item, greedy ? 0 : sampling.temperature);
  encoder.add_signed(KeyField::item, greedy ? 0 : sampling.top_k);
  encoder.add_real(KeyField::item, drawn ? sampling.top_p : 0);
  encoder.add_real(KeyField::item, drawn ? sampling.min_p : 0);
  encoder.add_real(KeyField::item, drawn ? sampling.typical_p : 0);
  encoder.add_real(KeyField::item, sampling.repeat_penalty);
  encoder.add_real(KeyField::item, sampling.frequency_penalty);
  encoder.add_real(KeyField::item, sampling.presence_penalty);
  encoder.add_signed(KeyField::item, sampling.penalty_last_n);
  encoder.add_signed(KeyField::item, sampling.top_logprobs);
  encoder.begin_list(KeyField::sampling, sampling.logit_bias.size() * 2);
  for (const auto& [token, bias] : sampling.logit_bias) {
    encoder.add_signed(KeyField::item, token);
    encoder.add_real(KeyField::item, bias);
  }
  const bool seeded = drawn && sampling.seed.has_value();
  encoder.add_flag(KeyField::seed, seeded);
  encoder.add_unsigned(KeyField::seed, seeded ? *sampling.seed : 0);
}

}  // namespace

void encode_query(const SovereignQuery& query, const gateway::BackendIdentity& identity,
                  const AnswerPolicy& policy, KeyEncoder& encoder) {
  encoder.clear();
  encoder.add_text(KeyField::model_digest, identity.digest);
  encoder.add_text(KeyField::model_digest, identity.fingerprint);
  encoder.add_text(KeyField::model_digest, identity.model);
  encoder.add_unsigned(KeyField::chat_template, identity.tells_date ? today() : 0);
  encoder.add_unsigned(KeyField::max_depth, query.max_depth);
  encoder.add_flag(KeyField::require_reasoning, query.require_reasoning);
  encoder.add_text(KeyField::content, query.content);
  add_context(query, encoder);
  encoder.add_text(KeyField::system_prompt, query.system);
  encoder.add_text(KeyField::messages, query.chat.messages_json);
  if (!query.chat.template_arguments.empty())
    encoder.add_text(KeyField::chat_template, query.chat.template_arguments);
  encoder.begin_list(KeyField::tools, 3);
  encoder.add_text(KeyField::item, query.chat.tools_json);
  encoder.add_text(KeyField::item, query.chat.tool_choice);
  encoder.add_flag(KeyField::item, query.chat.parallel_tool_calls);
  const bool has_format = !query.chat.response_format.empty();
  encoder.begin_list(KeyField::grammar, has_format ? 3 : 2);
  encoder.add_text(KeyField::item, query.chat.json_schema);
  encoder.add_text(KeyField::item, query.chat.grammar);
  if (has_format) encoder.add_text(KeyField::item, query.chat.response_format);
  add_sampling(query, policy, encoder);
  encoder.begin_list(KeyField::max_tokens, 3);
  encoder.add_unsigned(KeyField::item, query.max_tokens);
  encoder.add_unsigned(KeyField::item, query.n);
  encoder.add_flag(KeyField::item, query.ignore_eos);
  encoder.begin_list(KeyField::stop, query.stop.size());
  for (const std::string& stop : query.stop) encoder.add_text(KeyField::item, stop);
  encoder.add_text(KeyField::quality_policy, policy.quality);
  encoder.add_text(KeyField::reasoning_policy, query.reasons() ? policy.reasoning : std::string_view{});
  // Without a canary keys are what they always were.
  if (policy.variant.empty()) return;
  encoder.begin_list(KeyField::variant, 2);
  encoder.add_text(KeyField::item, policy.variant);
  encoder.add_text(KeyField::item, policy.variant_configuration);
}

}  // namespace sovereign::runtime
