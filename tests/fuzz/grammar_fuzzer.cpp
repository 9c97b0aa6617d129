// Any bytes as a grammar, and what follows a NUL as output to follow: never a crash, and always an end. Small
// limits, so that what takes long is a bug.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/gbnf.h"
#include "engine/grammar_matcher.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sovereign::engine;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view grammar = input.substr(0, input.find('\0'));
  auto rules = parse_gbnf(
      grammar, [](std::string_view text) { return std::optional<Token>(static_cast<Token>(text.size())); },
      {.elements_max = 20'000});
  if (!rules) return 0;
  GrammarMatcher matcher(std::make_shared<const GbnfRules>(std::move(*rules)),
                         {.stacks_max = 256, .states_max = 1024, .nodes_max = 8192, .work_max = 200'000});
  const std::string_view output = grammar.size() < size ? input.substr(grammar.size() + 1) : grammar;
  for (std::size_t i = 0; i < output.size() && !matcher.exhausted(); ++i) {
    const auto token = static_cast<Token>(i % 16);
    const bool allowed = matcher.allows(token, output.substr(i, 1));
    const bool taken = matcher.accept(token, output.substr(i, 1));
    if (taken && !allowed) std::abort();
    if (!taken && allowed && !matcher.exhausted()) std::abort();
  }
  return 0;
}
