// A strict JSON parser that keeps what canonicalization (RFC 8785) and field access need.
//
// parse() makes one pass over the text and leaves a flat array of 16-byte nodes. Strings without escapes
// and numbers in their canonical spelling stay where they are in the text; only strings with escapes are
// decoded into a side buffer. Each object's members are sorted by UTF-16 code units as it closes, which also
// finds duplicates.
//
// Ownership: a document refers to the text given to parse(); the caller keeps it alive and unchanged.
// Thread-safety: a parsed document may be read from many threads.
//
// Refused, with line, column (in bytes, from 1) and byte offset: everything that RFC 8259 does not allow
// (trailing data, comments, leading zeros, NaN, a byte-order mark), and beyond it, as RFC 7493 (I-JSON)
// asks: duplicate keys, ill-formed UTF-8, lone surrogates, numbers past the range of a double, and
// integers (numbers written without point and exponent) past 2^53, since two parties could read different
// values from them. Depth and size have limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sovereign::crypto {

// What to do with a number written as an integer whose magnitude is past 2^53.
enum class LargeIntegers {
  refuse,
  // Accept it when it is the canonical spelling of its double (RFC 8785 prints 1e20 as
  // 100000000000000000000): for reading back text that is already canonical.
  canonical_spelling,
};

struct JsonLimits {
  std::size_t max_bytes = std::size_t{16} << 20;  // at most 2^32 - 1
  unsigned max_depth = 128;                       // nested arrays and objects; at most kJsonDepthCeiling
  LargeIntegers large_integers = LargeIntegers::refuse;
};

// The parser and the writer recurse once per level; this bounds their stack to about 100 KB.
inline constexpr unsigned kJsonDepthCeiling = 1000;

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

std::string_view to_string(JsonKind kind);

class JsonView;

class JsonDocument {
 public:
  static result<JsonDocument> parse(std::string_view text, const JsonLimits& limits = {});
  // Empty, for assign() only.
  JsonDocument() = default;
  // The same into this document, whose memory is used again; what it held before is gone. When the text is
  // refused, the document is empty: assign() again before anything else.
  result<void> assign(std::string_view text, const JsonLimits& limits = {});

  JsonView root() const;

 private:
  friend class CanonicalWriter;
  friend class JsonParser;
  friend class JsonView;

  struct Span {
    std::uint32_t offset;
    std::uint32_t size;
  };
  struct Node {
    JsonKind kind;
    bool verbatim;       // strings and numbers: the text at `span` is already the canonical spelling
    std::uint32_t next;  // index one past this value and all it contains
    union {
      Span span;      // string: in the text when verbatim, else in decoded_; number: in the text
      Span members;   // object: its run in order_; array: size only
      double number;  // when not verbatim
      bool boolean;
    };
  };

  std::string_view text_;
  std::string decoded_;               // strings that had escapes, as UTF-8
  std::vector<Node> nodes_;           // depth first; a member's key precedes its value
  std::vector<std::uint32_t> order_;  // per object, the nodes of its keys in canonical order
};

// One value of a document. Cheap to copy; valid as long as the document is.
// Accessors assert the kind that they are for: check kind() first.
class JsonView {
 public:
  JsonView(const JsonDocument& document, std::uint32_t node) : document_(&document), node_(node) {}

  JsonKind kind() const { return node().kind; }
  bool boolean() const;
  double number() const;
  // Whether a number is written as digits alone: 3, not 3.0, 3e0 or -0.
  bool is_plain_integer() const;
  // Decoded, UTF-8; may contain zero bytes.
  std::string_view string() const;

  // Elements of an array, members of an object.
  std::size_t size() const;
  std::vector<JsonView> elements() const;
  // The member in canonical order.
  std::string_view key(std::size_t i) const;
  JsonView value(std::size_t i) const;
  // O(log size).
  std::optional<JsonView> find(std::string_view key) const;

 private:
  friend class CanonicalWriter;
  const JsonDocument::Node& node() const { return document_->nodes_[node_]; }
  std::string_view string_at(std::uint32_t node) const;

  const JsonDocument* document_;
  std::uint32_t node_;
};

}  // namespace sovereign::crypto
