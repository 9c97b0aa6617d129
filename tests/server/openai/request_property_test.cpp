// Whatever the bytes: a value or an invalid_argument, never a crash or an exception.
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <random>

#include "server/openai/chat_request.h"
#include "server/openai/completion_request.h"
#include "server/openai/embedding_request.h"

namespace sovereign::server::openai {
namespace {

RequestLimits limits() {
  RequestLimits limits;
  limits.vocabulary_size = 1000;
  limits.context_tokens = 4096;
  return limits;
}

// Values and objects in which the API's own names turn up in right and wrong places.
class RandomJson {
 public:
  explicit RandomJson(std::mt19937& random) : random_(random) {}

  json::value value(int depth) {
    switch (random_() % (depth > 0 ? 12U : 9U)) {
      case 0: return nullptr;
      case 1: return random_() % 2 == 0;
      case 2: return static_cast<std::int64_t>(random_() % 40) - 3;
      case 3: return std::numeric_limits<std::uint64_t>::max();
      case 4: return 0.5;
      case 5: return -1e300;
      case 6: return json::value(name());
      case 7: return json::value(std::string(random_() % 600, 'x'));
      case 8: return std::numeric_limits<std::int64_t>::min();
      case 9: {
        json::array items;
        for (auto count = random_() % 4; count > 0; --count) items.push_back(value(depth - 1));
        return items;
      }
      default: return object(depth - 1);
    }
  }

  json::object object(int depth) {
    json::object out;
    for (auto count = random_() % 6; count > 0; --count) out[name()] = value(depth);
    return out;
  }

 private:
  std::string name() {
    static const std::vector<std::string> kNames{
        "model",       "messages",    "role",           "content",       "user",         "assistant",
        "system",      "tool",        "tool_calls",     "tool_call_id",  "function",     "name",
        "arguments",   "type",        "text",           "tools",         "tool_choice",  "parameters",
        "stop",        "n",           "max_tokens",     "temperature",   "logit_bias",   "seed",
        "stream",      "prompt",      "stream_options", "include_usage", "input",        "response_format",
        "json_schema", "json_object", "schema",         "logprobs",      "top_logprobs", "1"};
    return kNames[random_() % kNames.size()];
  }

  std::mt19937& random_;
};

void parse_all(const std::string& body) {
  const auto check = [&](const auto& request) {
    if (!request) {
      ASSERT_EQ(request.error().code, ErrorCode::invalid_argument) << body;
      ASSERT_FALSE(request.error().message.empty()) << body;
    }
  };
  check(parse_chat_request(body, limits()));
  check(parse_completion_request(body, limits()));
  check(parse_embedding_request(body, limits()));
}

TEST(RequestProperty, AnyJsonGivesAValueOrAnError) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  RandomJson json_source(random);
  for (int round = 0; round < 5000; ++round) {
    auto object = json_source.object(5);
    if (random() % 2 == 0) object["messages"] = json::array{json_source.value(3), json_source.object(3)};
    parse_all(json::serialize(object));
  }
}

TEST(RequestProperty, AnyBytesGiveAValueOrAnError) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  RandomJson json_source(random);
  for (int round = 0; round < 5000; ++round) {
    auto body = json::serialize(json_source.object(3));
    for (auto edits = 1 + random() % 4; edits > 0 && !body.empty(); --edits) {
      const auto at = random() % body.size();
      switch (random() % 3) {
        case 0: body[at] = static_cast<char>(random() % 256); break;
        case 1: body.erase(at, random() % 5); break;
        default: body.insert(at, 1, static_cast<char>(random() % 256)); break;
      }
    }
    parse_all(body);
  }
}

}  // namespace
}  // namespace sovereign::server::openai
