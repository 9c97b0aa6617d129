#include "config/quality_keys.h"

#include <fmt/format.h>

#include "config/key_makers.h"
#include "config/key_rules.h"

namespace sovereign::config {
namespace {

#define FIELD(path) \
  [](Settings & s) -> auto& { return s.path; }

// Least values of single dimensions, as "truthfulness=0.5"; those at 0 are left out.
Key dimension_minimums() {
  Key key;
  key.name = "quality.min_dimension";
  key.kind = Kind::list;
  key.help =
      "Least values of single dimensions, as \"truthfulness=0.5\"; a dimension that is not named has none.";
  key.get = [](const Settings& settings) -> Value {
    std::vector<std::string> list;
    const auto& minimums = settings.quality.gate.min_dimension;
    for (std::size_t d = 0; d < omega::kDimensions; ++d) {
      if (minimums[d] > 0)
        list.push_back(fmt::format("{}={}", to_string(static_cast<omega::Dimension>(d)), minimums[d]));
    }
    return list;
  };
  key.set = [](Settings& settings, const Value& value) {
    settings.quality.gate.min_dimension.fill(0);
    for (const std::string& item : std::get<std::vector<std::string>>(value)) {
      if (const auto minimum = parse_dimension_minimum(item)) {
        settings.quality.gate.min_dimension[static_cast<std::size_t>(minimum->first)] = minimum->second;
      }
    }
  };
  key.rule = check_dimension_minimums;
  return key;
}

Key required_dimensions() {
  Key key;
  key.name = "quality.required";
  key.kind = Kind::list;
  key.help = "Dimensions that must be measured when quality.unmeasured is fail.";
  key.get = [](const Settings& settings) -> Value {
    std::vector<std::string> list;
    for (std::size_t d = 0; d < omega::kDimensions; ++d) {
      if (settings.quality.gate.required[d]) list.emplace_back(to_string(static_cast<omega::Dimension>(d)));
    }
    return list;
  };
  key.set = [](Settings& settings, const Value& value) {
    settings.quality.gate.required.fill(false);
    for (const std::string& item : std::get<std::vector<std::string>>(value)) {
      if (const auto dimension = dimension_from(item))
        settings.quality.gate.required[static_cast<std::size_t>(*dimension)] = true;
    }
  };
  key.rule = check_dimensions;
  return key;
}

}  // namespace

void add_quality_keys(std::vector<Key>& keys) {
  using omega::GateMode;
  using omega::UnmeasuredRule;
  keys.push_back(enumeration<GateMode>(
      "quality.mode", FIELD(quality.gate.mode),
      {{"off", GateMode::off}, {"annotate", GateMode::annotate}, {"enforce", GateMode::enforce}},
      "What is done about an answer's quality; annotate: scores go with it; enforce: one that falls short is "
      "made once more, then refused with status 422, and streams begin when their answer has passed."));
  keys.push_back(real("quality.min_score", FIELD(quality.gate.min_score), 0, 1,
                      "Least score of an answer that does not fall short."));
  keys.push_back(dimension_minimums());
  keys.push_back(
      enumeration<UnmeasuredRule>("quality.unmeasured", FIELD(quality.gate.unmeasured),
                                  {{"ignore", UnmeasuredRule::ignore}, {"fail", UnmeasuredRule::fail}},
                                  "Whether a required dimension that nothing measured is a shortfall."));
  keys.push_back(required_dimensions());
  keys.push_back(number("quality.max_retries", "", Kind::integer, FIELD(quality.gate.max_retries), 0, 8,
                        "Times that enforce has an answer made anew before it refuses."));
  keys.push_back(make("quality.likelihood", "", Kind::boolean, FIELD(quality.likelihood),
                      "Take how likely the model held its own answer as evidence; costs up to a twentieth of "
                      "the speed of greedy answers."));
  keys.push_back(make("quality.judge", "", Kind::boolean, FIELD(quality.judge),
                      "Ask a model for a verdict on each answer; costs a generation of up to 256 tokens, and "
                      "a small model's verdict is worth little."));
  keys.push_back(
      make("quality.judge_model", "", Kind::text, FIELD(quality.judge_model),
           "Who judges: a model, backend, alias or tier, as a request would name it; empty: the one "
           "that answered. A query that must stay local is judged by a local one, or not at all."));
  keys.push_back(number("quality.judge_timeout", "", Kind::duration, FIELD(quality.judge_timeout), 10 * kMs,
                        kHour, "Time a verdict may take; later it is done without."));
}

void add_reasoning_keys(std::vector<Key>& keys) {
  using runtime::ReasoningConfig;
  keys.push_back(number("reasoning.max_depth", "", Kind::integer, FIELD(reasoning.graph.max_depth), 1,
                        ReasoningConfig::kMaxDepth, "Most levels of thoughts that a query gets."));
  keys.push_back(number(
      "reasoning.default_depth", "", Kind::integer, FIELD(reasoning.default_depth), 1,
      ReasoningConfig::kMaxDepth,
      "Levels of a query that requires reasoning and does not say how deep; max_depth bounds them too."));
  keys.push_back(number("reasoning.branches", "", Kind::integer, FIELD(reasoning.graph.branches), 1,
                        ReasoningConfig::kMaxBranches, "Thoughts of a level; they are written at once."));
  keys.push_back(number("reasoning.max_thought_tokens", "", Kind::integer,
                        FIELD(reasoning.graph.max_thought_tokens), 16, kMillion, "Longest thought."));
  keys.push_back(number("reasoning.max_tokens", "", Kind::integer, FIELD(reasoning.graph.max_tokens), 16,
                        kMillion, "Tokens that all thoughts of a query may have together."));
  keys.push_back(number("reasoning.max_time", "", Kind::duration, FIELD(reasoning.graph.max_time), 0,
                        24 * kHour, "Time that a query may be thought over; 0s: no limit."));
  keys.push_back(real("reasoning.stop_agreement", FIELD(reasoning.graph.stop_agreement), 0.01, 2,
                      "Share of a level's thoughts that must agree for an early end; over 1: never."));
  keys.push_back(real("reasoning.temperature", FIELD(reasoning.temperature), 0.01, 2,
                      "Randomness of the thoughts of a greedy query, which must differ from each other."));
}

#undef FIELD

}  // namespace sovereign::config
