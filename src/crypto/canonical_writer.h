// Writes canonical JSON (RFC 8785) to a sink, value by value, through a buffer of a few kilobytes.
//
// No whitespace; strings with the fewest escapes (\b \t \n \f \r \" \\, other control characters as
// \u00xx in lower case, everything else as UTF-8); numbers as es6_number.h; members in the order of
// their keys' UTF-16 code units.
//
// value() takes a parsed document, or a part of one, and sorts nothing: the document is in order already.
// The other calls build an object by hand; keys must then come in canonical order and strings must be
// well-formed UTF-8 (asserted: both are the programmer's to keep). finish() hands the rest to the sink.
// Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/byte_sink.h"
#include "crypto/json_document.h"

namespace sovereign::crypto {

class CanonicalWriter {
 public:
  explicit CanonicalWriter(ByteSink& sink) : sink_(sink) {}
  CanonicalWriter(const CanonicalWriter&) = delete;
  CanonicalWriter& operator=(const CanonicalWriter&) = delete;

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view text);

  void value(const JsonView& view);
  void string(std::string_view text);
  void number(double value);         // finite
  void integer(std::int64_t value);  // within ±2^53
  void boolean(bool value);
  void null();

  void finish();

 private:
  void separate();
  void write_node(const JsonDocument& document, std::uint32_t index);
  void write_object(const JsonDocument& document, const JsonDocument::Node& object);
  void write_array(const JsonDocument& document, std::uint32_t index);
  void write_string_node(const JsonDocument& document, const JsonDocument::Node& node);
  void write_number_node(const JsonDocument& document, const JsonDocument::Node& node);
  void write_quoted(std::string_view text);
  void write_escape(char c);
  void put(char c);
  void put(std::string_view bytes);
  void put_from(std::string_view text, std::size_t offset, std::size_t size);
  void flush();

  static constexpr std::size_t kBufferBytes = 8192;
  static constexpr std::size_t kShortBytes = 32;  // copied whole, whatever part of them is meant

  ByteSink& sink_;
  std::size_t used_ = 0;
  bool comma_ = false;                  // a value precedes at this level
  std::vector<std::string> last_keys_;  // per open object or array, to check the order
  std::array<char, kBufferBytes + kShortBytes> buffer_;
};

}  // namespace sovereign::crypto
