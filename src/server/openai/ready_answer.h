// A cached chat answer as it goes out: all of it but its id, its time and its age is text already.
//
// Read back, written as JSON and described in headers, a found answer costs more than finding it. What it
// becomes is kept the first time that it is found, beside the request that leads to it (chat_memo.h).
// Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cache/entry.h"
#include "runtime/result.h"
#include "server/exchange.h"

namespace sovereign::server::openai {

struct ReadyAnswer {
  std::string_view headers;  // lines, each with its CRLF
  std::string_view body;     // what follows the head's `"created":…`
};

// Nothing where each answer has something of its own (ids of tool calls, a receipt), or a text that is too
// long to be kept twice.
std::optional<std::string> make_ready(const runtime::SovereignResult& result, bool with_logprobs);
// What make_ready() made; borrows from it.
ReadyAnswer read_ready(std::string_view made);

HttpResponse to_response(const ReadyAnswer& ready, cache::WallDuration age);

}  // namespace sovereign::server::openai
