#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>

#include "net/blocking_http.h"
#include "question.h"

namespace sovereign {
namespace {

namespace json = boost::json;
// Between two pieces of an answer; a busy server may queue the question for long.
constexpr std::chrono::minutes kQueueTime{10};

using SteadyTime = std::chrono::steady_clock::time_point;

std::string request_body(const Question& question, const Remote& remote) {
  json::object body{{"messages", json::parse(messages_json(question))},
                    {"stream", true},
                    {"stream_options", {{"include_usage", true}}}};
  body["model"] = remote.model;
  if (question.max_tokens) body["max_completion_tokens"] = *question.max_tokens;
  if (question.temperature) body["temperature"] = *question.temperature;
  if (question.seed) body["seed"] = *question.seed;
  return json::serialize(body);
}

// Of POST /v1/query, which can be told to reason.
std::string query_body(const Question& question, const Remote& remote) {
  json::object body{{"content", question.prompt},
                    {"stream", true},
                    {"max_depth", question.reasoning_depth},
                    {"require_reasoning", true},
                    {"temperature", question.temperature.value_or(1.0)},
                    {"model", remote.model}};
  if (!question.system.empty()) body["system"] = question.system;
  json::array context;
  for (const auto& item : question.context) context.push_back({{"title", item.title}, {"text", item.text}});
  if (!context.empty()) body["context"] = std::move(context);
  if (question.max_tokens) body["max_tokens"] = *question.max_tokens;
  if (question.seed) body["seed"] = *question.seed;
  return json::serialize(body);
}

// The value at a path of keys; null when any is missing or of another type.
const json::value* at(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::string text_at(const json::value& value, std::string_view key) {
  const json::value* found = at(value, key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

std::uint64_t number_at(const json::value& value, std::string_view key) {
  const json::value* found = at(value, key);
  std::error_code error;
  const auto number = found == nullptr ? std::uint64_t{0} : found->to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

// The server's own words, in OpenAI's shape or whatever it sent.
Error explain(const net::ClientResponse& response, const Remote& remote) {
  std::error_code ignored;
  const json::value body = json::parse(response.body, ignored);
  const json::value* error = at(body, "error");
  std::string words = error == nullptr ? "" : text_at(*error, "message");
  if (words.empty()) words = "no further words";
  const ErrorCode code = response.status == 401   ? ErrorCode::unauthenticated
                         : response.status == 404 ? ErrorCode::not_found
                         : response.status < 500  ? ErrorCode::invalid_argument
                                                  : ErrorCode::unavailable;
  const char* advice = response.status == 401 ? " (set SOVEREIGN_API_KEY or --api-key-file)" : "";
  return {code, fmt::format("{} answered {}: {}{}", remote.url, response.status, words, advice), remote.url};
}

// Without a trailing slash or "/v1", which the path brings.
std::string base_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  if (url.ends_with("/v1")) url.resize(url.size() - 3);
  return url;
}

result<std::string> first_model(net::BlockingHttp& http, const Remote& remote, std::stop_token stop) {
  net::ClientRequest request;
  request.url = base_url(remote.url) + "/v1/models";
  if (!remote.api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + remote.api_key);
  request.stop = std::move(stop);
  const auto response = http.fetch(std::move(request));
  if (!response) return fail(response.error());
  if (response->status != 200) return fail(explain(*response, remote));
  std::error_code ignored;
  const json::value body = json::parse(response->body, ignored);
  const json::value* list = at(body, "data");
  if (list == nullptr || !list->is_array() || list->as_array().empty()) {
    return fail(ErrorCode::unavailable, fmt::format("{} lists no model", remote.url), remote.url);
  }
  return text_at(list->as_array().front(), "id");
}

void take_usage(const json::value& usage, Answer& answer) {
  answer.prompt_tokens = number_at(usage, "prompt_tokens");
  answer.completion_tokens = number_at(usage, "completion_tokens");
  if (const json::value* details = at(usage, "prompt_tokens_details"); details != nullptr) {
    answer.cached_prompt_tokens = number_at(*details, "cached_tokens");
  }
}

void take_text(const std::string& text, const Question& question, SteadyTime asked, Answer& answer,
               bool& wanted) {
  if (text.empty()) return;
  if (answer.text.empty()) {
    answer.ttft_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count();
  }
  answer.text += text;
  if (question.on_text) wanted = question.on_text(text);
}

// One event of a streamed query; as take_chunk().
std::optional<Error> take_query_event(const json::value& event, const Question& question, SteadyTime asked,
                                      Answer& answer, bool& wanted) {
  if (const json::value* error = at(event, "error"); error != nullptr) {
    return Error{ErrorCode::unavailable, text_at(*error, "message"), {}};
  }
  take_text(text_at(event, "delta"), question, asked, answer, wanted);
  const json::value* result = at(event, "result");
  if (result == nullptr) return std::nullopt;
  answer.model = text_at(*result, "model_used");
  answer.finish_reason = text_at(*result, "finish_reason");
  if (const json::value* usage = at(*result, "usage")) take_usage(*usage, answer);
  if (const json::value* quality = at(*result, "quality")) answer.quality_json = json::serialize(*quality);
  if (const json::value* thoughts = at(*result, "reasoning"))
    answer.reasoning_json = json::serialize(*thoughts);
  return std::nullopt;
}

// One chunk of the stream into the answer; an error that the server sent in its place.
std::optional<Error> take_chunk(const json::value& chunk, const Question& question, SteadyTime asked,
                                Answer& answer, bool& wanted) {
  if (const json::value* error = at(chunk, "error"); error != nullptr) {
    return Error{ErrorCode::unavailable, text_at(*error, "message"), {}};
  }
  if (answer.model.empty()) answer.model = text_at(chunk, "model");
  if (const json::value* usage = at(chunk, "usage"); usage != nullptr && usage->is_object()) {
    take_usage(*usage, answer);
  }
  const json::value* choices = at(chunk, "choices");
  if (choices == nullptr || !choices->is_array() || choices->as_array().empty()) return std::nullopt;
  const json::value& choice = choices->as_array().front();
  if (std::string finish = text_at(choice, "finish_reason"); !finish.empty()) answer.finish_reason = finish;
  if (const json::value* quality = at(choice, "sovereign_quality"))
    answer.quality_json = json::serialize(*quality);
  const json::value* delta = at(choice, "delta");
  if (delta != nullptr) take_text(text_at(*delta, "content"), question, asked, answer, wanted);
  return std::nullopt;
}

}  // namespace

result<Answer> ask_server(const Question& question, const Remote& remote) {
  net::HttpClientConfig config;
  config.ca_file = remote.ca_file;
  net::BlockingHttp http(config);
  Remote chosen = remote;
  if (chosen.model.empty()) {
    auto model = first_model(http, remote, question.stop);
    if (!model) return fail(model.error());
    chosen.model = std::move(*model);
  }

  Answer answer;
  std::optional<Error> failure;
  bool wanted = true;
  const SteadyTime asked = std::chrono::steady_clock::now();
  const bool reasons = question.reasoning_depth > 0;
  net::ClientRequest request =
      net::json_post(base_url(remote.url) + (reasons ? "/v1/query" : "/v1/chat/completions"),
                     reasons ? query_body(question, chosen) : request_body(question, chosen), remote.api_key);
  request.timeouts.total = {};
  request.timeouts.first_byte = {};
  request.timeouts.idle = kQueueTime;
  request.stop = question.stop;
  const auto response = http.stream_events(std::move(request), [&](const net::SseEvent& event) {
    if (event.data == "[DONE]") return true;
    std::error_code error;
    const json::value chunk = json::parse(event.data, error);
    if (!error) failure = (reasons ? take_query_event : take_chunk)(chunk, question, asked, answer, wanted);
    return !failure && wanted;
  });
  if (!response) return fail(response.error());
  if (failure) return fail(*failure);
  if (response->status != 200) return fail(explain(*response, remote));
  if (answer.finish_reason.empty() && wanted) {
    return fail(ErrorCode::unavailable, fmt::format("{} broke off its answer", remote.url), remote.url);
  }
  answer.total_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count();
  return answer;
}

}  // namespace sovereign
