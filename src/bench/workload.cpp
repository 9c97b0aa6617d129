#include "bench/workload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "bench/random.h"

namespace sovereign::bench {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 128> kWords = {
    "time",   "year",     "people", "way",     "day",     "man",      "thing",  "woman",   "life",
    "child",  "world",    "school", "state",   "family",  "student",  "group",  "country", "problem",
    "hand",   "part",     "place",  "case",    "week",    "company",  "system", "program", "question",
    "work",   "night",    "point",  "home",    "water",   "room",     "mother", "area",    "money",
    "story",  "fact",     "month",  "lot",     "right",   "study",    "book",   "eye",     "job",
    "word",   "business", "issue",  "side",    "kind",    "head",     "house",  "service", "friend",
    "father", "power",    "hour",   "game",    "line",    "end",      "member", "law",     "car",
    "city",   "name",     "team",   "minute",  "idea",    "kid",      "body",   "back",    "parent",
    "face",   "level",    "office", "door",    "health",  "person",   "art",    "war",     "history",
    "party",  "result",   "change", "morning", "reason",  "research", "girl",   "guy",     "moment",
    "air",    "teacher",  "force",  "order",   "field",   "paper",    "space",  "river",   "stone",
    "light",  "voice",    "table",  "window",  "garden",  "summer",   "winter", "letter",  "number",
    "color",  "music",    "forest", "street",  "market",  "engine",   "bridge", "island",  "mountain",
    "farmer", "doctor",   "ship",   "train",   "village", "road",     "bread",  "fire",    "horse",
    "tree",   "bird"};

constexpr int kMaxCorrections = 64;

json::object common_fields(std::string_view model, std::uint32_t max_tokens) {
  json::object body{{"max_tokens", max_tokens},
                    {"temperature", 0},
                    {"ignore_eos", true},
                    {"stream", true},
                    {"stream_options", {{"include_usage", true}}}};
  if (!model.empty()) body["model"] = json::string_view(model.data(), model.size());
  return body;
}

json::object message(std::string_view role, std::string_view content) {
  return {{"role", json::string_view(role.data(), role.size())},
          {"content", json::string_view(content.data(), content.size())}};
}

}  // namespace

std::string_view PromptMaker::word() { return kWords[draw_below(random_, kWords.size())]; }

result<std::string> PromptMaker::exact(std::size_t tokens) {
  std::vector<std::string_view> words;
  const auto text_of = [&] { return fmt::format("{}", fmt::join(words, " ")); };
  // Most words are one token, so the shortfall is a good guess at the words still missing; near the end
  // words that turn out too long are drawn again.
  for (int correction = 0; correction < kMaxCorrections; ++correction) {
    const std::string text = text_of();
    const std::size_t have = text.empty() ? 0 : count_(text);
    if (have == tokens) return text;
    if (have < tokens) {
      for (std::size_t i = have; i < tokens; ++i) words.push_back(word());
    } else {
      for (std::size_t i = tokens; i < have && !words.empty(); ++i) words.pop_back();
    }
  }
  return fail(ErrorCode::internal, fmt::format("no sequence of words has exactly {} tokens", tokens));
}

result<std::vector<std::string>> PromptMaker::mixed(std::size_t count, std::size_t shortest,
                                                    std::size_t longest) {
  std::vector<std::string> prompts;
  for (std::size_t i = 0; i < count; ++i) {
    auto prompt = exact(shortest + static_cast<std::size_t>(draw_below(random_, longest - shortest + 1)));
    if (!prompt) return fail(std::move(prompt.error()));
    prompts.push_back(std::move(*prompt));
  }
  return prompts;
}

std::string completion_body(std::string_view model, std::string_view prompt, std::uint32_t max_tokens) {
  json::object body = common_fields(model, max_tokens);
  body["prompt"] = json::string_view(prompt.data(), prompt.size());
  return json::serialize(body);
}

std::string chat_body(std::string_view model, std::string_view system, std::string_view question,
                      std::uint32_t max_tokens) {
  json::object body = common_fields(model, max_tokens);
  body["messages"] = json::array{message("system", system), message("user", question)};
  return json::serialize(body);
}

}  // namespace sovereign::bench
