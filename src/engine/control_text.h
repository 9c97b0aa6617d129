// Keeps text of clients from becoming control tokens.
//
// A chat template's output is tokenized with control tokens read from their names ("<|im_end|>"), since that
// is how templates write them. What clients send must not be read so: a question or a document could close
// its turn and open a system's. Templates trim and rearrange what they are given, so nothing can be put
// around a content; instead a mark is put inside each such name before rendering, and where it comes out
// again the prompt is cut: the model sees the same text, in tokens that do not span a cut.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/token.h"

namespace sovereign::engine {

class LlamaModel;

// Text with places that no token may span: offsets in bytes, ascending.
struct CutText {
  std::string text;
  std::vector<std::size_t> cuts;
};

// Tokens of a template's output.
std::vector<Token> tokenize_prompt(const LlamaModel& model, std::string_view text,
                                   const std::vector<std::size_t>& cuts);

// Immutable; thread-safe.
class ControlText {
 public:
  explicit ControlText(const LlamaModel& model);

  // Whether JSON text holds the name of a control token in one of its strings, however it is escaped there.
  bool is_in(const std::string& json) const;
  // Chat messages (JSON text) with `mark` in each name of a control token.
  std::string mark_messages(const std::string& messages_json, const std::string& mark) const;
  // A mark that no text holds by chance: digits, which no template changes.
  static std::string new_mark();
  // The marks out again, and cuts in their place.
  static CutText cut_at(std::string text, const std::string& mark);

 private:
  std::size_t name_at(std::string_view text, std::size_t at) const;  // its length; 0: none

  std::array<std::vector<std::string>, 256> names_;  // by their first byte
};

}  // namespace sovereign::engine
