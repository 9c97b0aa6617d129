// Fills a JsonDocument from its text. Used by JsonDocument::parse only; see there for what is refused.
#pragma once

#include <optional>

#include "crypto/json_document.h"

namespace sovereign::crypto {

class JsonParser {
 public:
  JsonParser(JsonDocument& document, const JsonLimits& limits);

  // Nothing when the text is good.
  std::optional<Error> run();

 private:
  // A member of an object that is still open.
  struct Member {
    std::uint64_t prefix;  // utf16_prefix of the key
    std::uint32_t key_node;
    std::uint32_t text_offset;  // of the key's opening quote, for errors
  };

  bool parse_value();
  bool parse_object();
  bool parse_array();
  bool parse_string();
  bool parse_string_with_escapes(const char* start);
  bool parse_escape();
  bool parse_unicode_escape(const char* escape);
  bool parse_number();
  void add_verbatim_number(const char* start);
  bool finish_integer(const char* start, const char* digits);
  bool finish_decimal(const char* start);
  bool parse_literal(std::string_view literal, JsonKind kind, bool value);
  bool close_object(std::uint32_t object, std::size_t first_member);
  bool enter();
  bool read_hex4(std::uint32_t& unit);
  bool accept_utf8();

  bool less(const Member& a, const Member& b) const;
  void skip_space();
  std::uint32_t add_node(JsonKind kind);
  std::uint32_t offset_of(const char* p) const { return static_cast<std::uint32_t>(p - begin_); }
  std::string_view key_text(std::uint32_t node) const;
  std::string unexpected(std::string_view wanted) const;
  bool refuse(const char* at, std::string what);

  JsonDocument& document_;
  const JsonLimits limits_;
  const char* const begin_;
  const char* const end_;
  const char* p_;
  unsigned depth_ = 0;
  std::vector<Member> open_members_;  // of all open objects, innermost last
  std::optional<Error> error_;
};

}  // namespace sovereign::crypto
