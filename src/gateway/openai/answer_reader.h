// From what a server sends, event by event or whole, to deltas: what a call needs to know of an answer's
// form.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/backend.h"

namespace sovereign::gateway {

// Pure. Not thread-safe.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;

  // The data of one server-sent event. Errors: corrupt (not what was asked for), or what the server says went
  // wrong.
  virtual outcome<std::vector<engine::GenerationDelta>> read_event(std::string_view data) = 0;
  // A body that is the whole answer. Errors: likewise.
  virtual outcome<std::vector<engine::GenerationDelta>> read_whole(std::string_view body) = 0;

  // Whether text of the deltas is structured_text(); settled by the first delta.
  virtual bool structured() const = 0;
  // Every choice has finished.
  virtual bool complete() const = 0;
  // The end was read: whatever the server still sends is of no interest.
  virtual bool done() const = 0;
  // Tokens as the server counted them, or as they came when it did not.
  virtual engine::GenerationSummary summary() const = 0;
};

}  // namespace sovereign::gateway
