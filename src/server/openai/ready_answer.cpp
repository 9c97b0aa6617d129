#include "server/openai/ready_answer.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "server/openai/answer_headers.h"
#include "server/openai/api_context.h"
#include "server/openai/chat_response.h"
#include "server/openai/json_text.h"

namespace sovereign::server::openai {
namespace {

constexpr std::size_t kMaxReadyBytes = 8 * 1024;

std::size_t text_bytes(const runtime::SovereignResult& result) {
  std::size_t bytes = 0;
  for (const auto& choice : result.choices) {
    bytes += choice.message.content.size() + choice.message.reasoning_content.size();
    for (const auto& call : choice.message.tool_calls) bytes += call.arguments.size();
  }
  return bytes;
}

bool has_something_of_its_own(const runtime::SovereignResult& result) {
  if (result.receipt != nullptr) return true;
  return std::any_of(result.choices.begin(), result.choices.end(), [](const runtime::Choice& choice) {
    const auto& calls = choice.message.tool_calls;
    return std::any_of(calls.begin(), calls.end(), [](const auto& call) { return call.id.empty(); });
  });
}

}  // namespace

std::optional<std::string> make_ready(const runtime::SovereignResult& result, bool with_logprobs) {
  if (has_something_of_its_own(result) || text_bytes(result) > kMaxReadyBytes) return std::nullopt;
  std::string headers;
  for (const auto& [name, value] : answer_headers(result)) {
    if (name != "Age") headers.append(name).append(": ").append(value).append("\r\n");
  }
  const auto header_bytes = static_cast<std::uint32_t>(headers.size());
  std::string made(sizeof header_bytes, '\0');
  std::memcpy(made.data(), &header_bytes, sizeof header_bytes);
  made += headers;
  append_chat_rest(made, result.model_used, result.fingerprint, result.choices, usage_of_found(result),
                   with_logprobs);
  if (made.size() > kMaxReadyBytes) return std::nullopt;
  return made;
}

ReadyAnswer read_ready(std::string_view made) {
  std::uint32_t header_bytes = 0;
  std::memcpy(&header_bytes, made.data(), sizeof header_bytes);
  made.remove_prefix(sizeof header_bytes);
  return {made.substr(0, header_bytes), made.substr(header_bytes)};
}

HttpResponse to_response(const ReadyAnswer& ready, cache::WallDuration age) {
  constexpr std::size_t kBeginningBytes = 128;
  HttpResponse response;
  response.header_lines.reserve(ready.headers.size() + 32);
  response.header_lines.append(ready.headers).append("Age: ");
  append_json_number(response.header_lines, std::chrono::duration_cast<std::chrono::seconds>(age).count());
  response.header_lines += "\r\n";
  response.body.reserve(kBeginningBytes + ready.body.size());
  append_chat_beginning(response.body, make_id("chatcmpl-"), unix_now());
  response.body += ready.body;
  return response;
}

}  // namespace sovereign::server::openai
