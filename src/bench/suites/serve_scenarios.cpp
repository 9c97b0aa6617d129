#include "bench/suites/serve_scenarios.h"

namespace sovereign::bench {
namespace {

constexpr std::uint64_t kScenarioStride = 1'000'000;  // warm-up rounds are negative and stay in their range

}  // namespace

PromptMaker ServeScenarios::maker(int scenario, int round) const {
  const auto offset = static_cast<std::uint64_t>(scenario) * kScenarioStride + kScenarioStride / 2;
  return PromptMaker(count_tokens, seed * kScenarioStride * 16 + offset + static_cast<std::uint64_t>(round));
}

result<std::vector<std::string>> ServeScenarios::independent_prompts(int round) const {
  return maker(0, round).mixed(clients, sizes.prompt, sizes.prompt);
}

result<std::vector<LoadRequest>> ServeScenarios::independent(std::string_view model, int round) const {
  const auto prompts = independent_prompts(round);
  if (!prompts) return fail(prompts.error());
  std::vector<LoadRequest> requests;
  for (const auto& prompt : *prompts) {
    requests.push_back({"/v1/completions", completion_body(model, prompt, sizes.output), {}, sizes.output});
  }
  return requests;
}

result<std::vector<LoadRequest>> ServeScenarios::shared_prefix(std::string_view model, int round) const {
  PromptMaker words = maker(1, round);
  const auto system = words.exact(sizes.shared);
  if (!system) return fail(system.error());
  const auto questions = words.mixed(clients, sizes.question, sizes.question);
  if (!questions) return fail(questions.error());
  std::vector<LoadRequest> requests;
  for (const auto& question : *questions) {
    requests.push_back({"/v1/chat/completions",
                        chat_body(model, *system, question, sizes.shared_output),
                        {},
                        sizes.shared_output});
  }
  return requests;
}

result<std::vector<LoadRequest>> ServeScenarios::mixed(std::string_view model, int round) const {
  PromptMaker words = maker(2, round);
  const auto prompts = words.mixed(clients - 1, sizes.prompt, sizes.prompt);
  if (!prompts) return fail(prompts.error());
  const auto long_prompt = words.exact(sizes.long_prompt);
  if (!long_prompt) return fail(long_prompt.error());
  std::vector<LoadRequest> requests;
  for (const auto& prompt : *prompts) {
    requests.push_back({"/v1/completions", completion_body(model, prompt, sizes.output), {}, sizes.output});
  }
  requests.push_back({"/v1/completions", completion_body(model, *long_prompt, sizes.long_output),
                      sizes.events_before_long_prompt, sizes.long_output});
  return requests;
}

result<std::vector<LoadRequest>> ServeScenarios::open_loop(std::string_view model, int round,
                                                           std::size_t count) const {
  const auto prompts = maker(3, round).mixed(count, sizes.shortest_mixed, sizes.longest_mixed);
  if (!prompts) return fail(prompts.error());
  std::vector<LoadRequest> requests;
  for (const auto& prompt : *prompts) {
    requests.push_back(
        {"/v1/completions", completion_body(model, prompt, sizes.output / 2), {}, sizes.output / 2});
  }
  return requests;
}

}  // namespace sovereign::bench
