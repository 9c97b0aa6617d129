#include "gateway/openai/completion_body.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/openai/body_fields.h"

namespace sovereign::gateway {
namespace {

constexpr std::size_t kMaxStops = 4;  // that OpenAI's API takes

bool can_share(const GenerateRequest& request, const Dialect& dialect) {
  const engine::ChatInput& input = request.input;
  const bool plain = input.tools_json.empty() && input.grammar.empty() && input.json_schema.empty() &&
                     input.response_format.empty() && input.template_arguments.empty();
  const engine::SamplingParams& sampling = request.sampling;
  // One seed for several prompts is not what each of them would draw with it alone.
  const bool seed_matters = sampling.seed.has_value() && !sampling.greedy();
  const bool limited = request.max_tokens > 0 || dialect.unlimited_completions;
  const bool biases_fit = request.named || sampling.logit_bias.empty();
  return plain && request.n == 1 && sampling.top_logprobs < 0 && !seed_matters && limited && biases_fit;
}

}  // namespace

std::optional<std::string> render_shared_body(const GenerateRequest& request, const Dialect& dialect,
                                              const std::string& turn_end) {
  if (!can_share(request, dialect)) return std::nullopt;
  engine::SamplingParams sampling = request.sampling;
  sampling.seed.reset();
  std::vector<std::string> stop = request.stop;
  if (!turn_end.empty() && !request.ignore_eos && stop.size() < kMaxStops) stop.push_back(turn_end);
  BodyFields body;
  add_limits(request.max_tokens, stop, body);
  add_sampling(sampling, request.ignore_eos, dialect, body);
  add_streaming(body);
  return body.take();
}

std::string render_prompts(const std::vector<std::string>& prompts) {
  boost::json::array list;
  list.reserve(prompts.size());
  for (const std::string& prompt : prompts) list.emplace_back(prompt);
  return ",\"prompt\":" + boost::json::serialize(list);
}

}  // namespace sovereign::gateway
