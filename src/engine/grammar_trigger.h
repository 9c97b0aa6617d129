// When a lazy grammar starts: at a token, or where a regular expression matches the output so far.
//
// The same rules as llama.cpp's lazy grammars, whose triggers come with the tool-call formats of its
// `common`.
#pragma once

#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/sampling_params.h"

namespace sovereign::engine {

// Not thread-safe. A copy waits on its own.
class GrammarTrigger {
 public:
  // Errors: invalid_argument (a pattern that is no regular expression).
  static result<GrammarTrigger> create(const Grammar& grammar);

  // What of the output the grammar covers from its start on.
  using Covered = std::vector<std::pair<Token, std::string>>;
  // The next token; absent: go on waiting.
  std::optional<Covered> feed(Token token, const std::string& piece);

 private:
  struct Patterns {
    std::vector<std::pair<std::regex, bool>> all;  // and whether it must match the whole output
    std::vector<Token> tokens;
  };
  std::shared_ptr<const Patterns> patterns_;
  std::string output_;
  std::vector<std::pair<Token, std::size_t>> tokens_;  // and where each ends in the output
};

}  // namespace sovereign::engine
