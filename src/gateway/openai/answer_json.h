// What the answers of OpenAI's API have in common, as JSON: absent and null alike, wrong types as absent.
// Pure.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/generation.h"
#include "gateway/failure.h"

namespace sovereign::gateway {

inline constexpr std::size_t kMaxQuotedBytes = 300;  // of what a server says, in our messages

const boost::json::value* find(const boost::json::value& object, std::string_view name);
std::string_view text_of(const boost::json::value& object, std::string_view name);
std::uint32_t number_of(const boost::json::value& object, std::string_view name);

// Servers have names of their own for a good end, and some for a bad one (vLLM, SGLang, DeepSeek).
engine::FinishReason finish_of(std::string_view name);

// The counts of a `usage` object.
engine::GenerationSummary read_usage(const boost::json::value& usage);

tl::unexpected<Failure> refuse(ErrorCode code, std::string message, std::string reason = {});
// Of a choice that the server says it aborted.
Failure broken_off(std::string_view finish_reason);

// An error object of OpenAI's, or any body, as a sentence of bounded length.
std::string error_message(std::string_view body);
// Its code, when that is a string; kContextLengthExceeded, however the server calls it.
std::string error_code(std::string_view body);
// Whether an error object blames the request: another one may be answered well.
bool blames_request(std::string_view body);

}  // namespace sovereign::gateway
