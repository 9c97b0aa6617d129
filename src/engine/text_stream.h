// From the bytes of tokens to text that can be sent: whole, valid UTF-8, cut before any stop string.
//
// A token may hold half a character, and a stop string may begin in one token and end in another. What
// append() and finish() return, put together, is the same for every way to cut the bytes into pieces:
// the bytes before the first stop string, with each invalid part replaced by one U+FFFD per maximal
// subpart (Unicode 15, section 3.9, 'U+FFFD Substitution of Maximal Subparts'; the WHATWG decoder).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/stop_matcher.h"

namespace sovereign::engine {

// Makes UTF-8 of bytes that come in pieces. Not thread-safe.
class Utf8Assembler {
 public:
  // Returns the characters that are complete; at most three bytes are held back.
  std::string append(std::string_view bytes);
  // The stream ends: an unfinished character becomes U+FFFD.
  std::string finish();

 private:
  std::string held_;  // a valid beginning of one character
};

// `bytes` as valid UTF-8, invalid parts replaced.
std::string to_valid_utf8(std::string_view bytes);

// One choice's text. Not thread-safe.
class TextStream {
 public:
  explicit TextStream(std::shared_ptr<const StopSet> stops) : matcher_(std::move(stops)) {}

  std::string append(std::string_view bytes) { return utf8_.append(matcher_.feed(bytes)); }
  // To be called once, after the last append().
  std::string finish() {
    std::string text = utf8_.append(matcher_.flush());
    return text += utf8_.finish();
  }

  // True when a stop string was met: the sequence is to end.
  bool stopped() const { return matcher_.stopped(); }

 private:
  StopMatcher matcher_;
  Utf8Assembler utf8_;
};

}  // namespace sovereign::engine
