// From successive readings of a growing message to OpenAI's deltas.
//
// ChatFormat::parse() reads the whole text again whenever it grows; this remembers what the client
// was already told and says only what is new.
#pragma once

#include <string>
#include <vector>

#include "engine/chat_format.h"

namespace sovereign::server::openai {

// Of one choice. Not thread-safe.
class ChatDeltas {
 public:
  // The insides of the delta objects that lead from what was told so far to `message`, e.g.
  // `"content":"Hi"`. What was told cannot be taken back: a part that no longer begins with it is
  // passed over until it does. A tool call is told once its name is known.
  std::vector<std::string> advance(const engine::ChatMessage& message);

  bool has_tool_calls() const { return !calls_.empty(); }

 private:
  std::string reasoning_;
  std::string content_;
  std::vector<std::string> calls_;  // arguments told, per call
};

}  // namespace sovereign::server::openai
