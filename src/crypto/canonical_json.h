// Canonical JSON (RFC 8785) of a text, in one call. What is refused: json_document.h. What the bytes
// look like: canonical_writer.h. Canonicalizing canonical text gives the same text, with
// LargeIntegers::canonical_spelling when it holds integers past 2^53 (written as 1e20 in the source).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/byte_sink.h"
#include "crypto/json_document.h"

namespace sovereign::crypto {

// The canonical bytes, no newline at the end.
result<std::string> canonicalize(std::string_view text, const JsonLimits& limits = {});

// The same, into a sink. Nothing is written when the text is refused.
result<void> canonicalize(std::string_view text, ByteSink& sink, const JsonLimits& limits = {});

std::string canonical_text(const JsonView& view);

// For many texts one after the other: keeps its memory, which for large texts saves a third of the time.
// Holds about 3 bytes per byte of the largest text so far. One thread at a time.
class Canonicalizer {
 public:
  // Valid until the next call.
  result<std::string_view> canonicalize(std::string_view text, const JsonLimits& limits = {});

 private:
  JsonDocument document_;
  std::string out_;
};

}  // namespace sovereign::crypto
