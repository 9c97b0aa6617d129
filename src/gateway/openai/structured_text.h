// A message with more than content (reasoning, tool calls) as growing text: what remote backends put into
// deltas, read back by an AnswerSyntax.
//
// Never leaves the process. Each piece is a letter, for calls the call's number and a comma, then a length
// in bytes, a colon, and so many bytes: "c5:Hello", "t0,n4:find".
//   c content   r reasoning   t<i>,i id   t<i>,n name   t<i>,a arguments, of call i
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/backend.h"

namespace sovereign::gateway {

void append_content(std::string& out, std::string_view text);
void append_reasoning(std::string& out, std::string_view text);
enum class CallPart : char { id = 'i', name = 'n', arguments = 'a' };
void append_call(std::string& out, std::uint32_t call, CallPart part, std::string_view text);

// The same object every time.
std::shared_ptr<const AnswerSyntax> structured_text();

}  // namespace sovereign::gateway
