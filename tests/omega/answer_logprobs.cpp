#include "omega/answer_logprobs.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "engine/logprobs.h"

namespace sovereign::testing {
namespace {

constexpr std::uint32_t kContextTokens = 1024;
// Under 64 rows the kernels give the same bits however the text is cut (docs/architecture.md).
constexpr std::uint32_t kRowsPerStep = 48;

}  // namespace

result<std::unique_ptr<AnswerLogprobs>> AnswerLogprobs::create(const engine::LlamaModel& model) {
  std::unique_ptr<AnswerLogprobs> made(new AnswerLogprobs(model));
  auto format = engine::ChatFormat::create(model);
  if (!format) return fail(std::move(format.error()));
  made->format_ = std::move(*format);
  engine::EngineConfig config;
  config.context_tokens = kContextTokens;
  config.kv_cells = kContextTokens;
  config.max_sequences = kRowsPerStep;  // rows that may want logits
  config.step_token_budget = kRowsPerStep;
  config.threads = 1;  // a busy machine would let two threads wait for each other
  auto decoder = engine::Decoder::create(model, config);
  if (!decoder) return fail(std::move(decoder.error()));
  made->decoder_ = std::move(*decoder);
  return made;
}

result<std::vector<float>> AnswerLogprobs::measure(std::span<const std::string> context,
                                                   std::string_view question, std::string_view answer) {
  std::string message;
  for (const std::string& document : context) message.append(document).append("\n\n");
  message.append(question);
  engine::ChatInput input;
  input.messages_json =
      boost::json::serialize(boost::json::array{{{"role", "user"}, {"content", std::move(message)}}});
  const auto prompt = format_->render(input);
  if (!prompt) return fail(prompt.error());
  std::vector<engine::Token> tokens = format_->tokens(*prompt);
  const std::size_t begin = tokens.size();
  for (const engine::Token token : model_.tokenize(answer, false, false)) tokens.push_back(token);
  if (tokens.size() > kContextTokens) return fail(ErrorCode::internal, "question and answer are too long");

  decoder_->apply({engine::KvOp::Kind::trim, 0, 0});
  std::vector<float> logprobs;
  engine::RowScan scan;
  for (std::size_t from = 0; from + 1 < tokens.size(); from += kRowsPerStep) {
    const std::size_t to = std::min<std::size_t>(from + kRowsPerStep, tokens.size() - 1);
    std::vector<engine::Row> rows;
    for (std::size_t i = from; i < to; ++i)
      rows.push_back({1, 0, tokens[i], static_cast<std::uint32_t>(i), i + 1 >= begin});
    if (auto decoded = decoder_->decode(rows); !decoded) return fail(std::move(decoded.error()));
    for (std::size_t i = std::max(from, begin - 1); i < to; ++i)
      logprobs.push_back(
          engine::token_logprob(model_, scan, decoder_->logits(i - from), tokens[i + 1], 0).chosen.logprob);
  }
  return logprobs;
}

}  // namespace sovereign::testing
