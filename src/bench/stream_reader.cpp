#include "bench/stream_reader.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace sovereign::bench {
namespace {

namespace json = boost::json;

const json::value* member(const json::value& value, std::string_view key) {
  const json::object* const object = value.if_object();
  return object != nullptr ? object->if_contains(json::string_view(key.data(), key.size())) : nullptr;
}

std::uint32_t number(const json::value& value, std::string_view key) {
  const json::value* const found = member(value, key);
  boost::system::error_code ec;
  const auto number = found != nullptr ? found->to_number<std::uint32_t>(ec) : 0;
  return ec ? 0 : number;
}

bool has_text(const json::value* text) {
  return text != nullptr && text->is_string() && !text->get_string().empty();
}

}  // namespace

bool StreamReader::read(std::string_view payload) {
  if (payload == "[DONE]") {
    done_ = true;
    return false;
  }
  boost::system::error_code ec;
  const json::value event = json::parse(json::string_view(payload.data(), payload.size()), ec);
  if (ec) {
    error_ = "an event is not JSON: " + std::string(payload.substr(0, 100));
    return false;
  }
  if (member(event, "error") != nullptr)
    error_ = "the server reports: " + std::string(payload.substr(0, 200));
  if (const json::value* usage = member(event, "usage"); usage != nullptr && usage->is_object()) {
    prompt_tokens_ = number(*usage, "prompt_tokens");
    output_tokens_ = number(*usage, "completion_tokens");
    if (const json::value* details = member(*usage, "prompt_tokens_details")) {
      cached_tokens_ = number(*details, "cached_tokens");
    }
  }
  const json::value* const choices = member(event, "choices");
  if (choices == nullptr || !choices->is_array() || choices->get_array().empty()) return false;
  const json::value& choice = choices->get_array().front();
  const json::value* const reason = member(choice, "finish_reason");
  finished_ = finished_ || (reason != nullptr && reason->is_string());
  const json::value* const delta = member(choice, "delta");
  return has_text(member(choice, "text")) || (delta != nullptr && has_text(member(*delta, "content")));
}

std::string StreamReader::error() const {
  if (!error_.empty()) return error_;
  if (!finished_) return "the stream ended without a finish reason";
  if (!done_) return "the stream ended without [DONE]";
  if (output_tokens_ == 0) return "the stream ended without usage";
  return {};
}

}  // namespace sovereign::bench
