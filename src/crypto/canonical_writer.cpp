#include "crypto/canonical_writer.h"

#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>

#include "crypto/es6_number.h"
#include "crypto/json_scan.h"
#include "crypto/utf8.h"

namespace sovereign::crypto {
namespace {

constexpr std::int64_t kLargestExactInteger = std::int64_t{1} << 53;
constexpr std::size_t kInt64Bytes = 20;

// The first byte that must be escaped, or end; unlike the parser's scan it passes over UTF-8.
const char* skip_unescaped(const char* p, const char* end) {
  for (;;) {
    p = skip_plain_string_bytes(p, end);
    while (p != end && static_cast<unsigned char>(*p) >= 0x80) ++p;
    if (p == end || !is_plain_string_byte(*p)) return p;
  }
}

}  // namespace

void CanonicalWriter::flush() {
  sink_.write({buffer_.data(), used_});
  used_ = 0;
}

void CanonicalWriter::finish() {
  assert(last_keys_.empty());
  if (used_ != 0) flush();
}

inline void CanonicalWriter::put(char c) {
  if (used_ == kBufferBytes) flush();
  buffer_[used_++] = c;
}

void CanonicalWriter::put(std::string_view bytes) {
  if (bytes.size() > kBufferBytes - used_) {
    if (used_ != 0) flush();
    if (bytes.size() >= kBufferBytes) {
      sink_.write(bytes);
      return;
    }
  }
  std::memcpy(buffer_.data() + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
}

// Most keys and values are short, and a copy of fixed size is several times faster than a call to memcpy.
inline void CanonicalWriter::put_from(std::string_view text, std::size_t offset, std::size_t size) {
  if (size > kShortBytes || text.size() - offset < kShortBytes || size > kBufferBytes - used_)
    return put(text.substr(offset, size));
  std::memcpy(buffer_.data() + used_, text.data() + offset, kShortBytes);
  used_ += size;
}

void CanonicalWriter::separate() {
  if (comma_) put(',');
  comma_ = true;
}

void CanonicalWriter::begin_object() {
  separate();
  put('{');
  comma_ = false;
  last_keys_.emplace_back();
}

void CanonicalWriter::end_object() {
  assert(!last_keys_.empty());
  last_keys_.pop_back();
  put('}');
  comma_ = true;
}

void CanonicalWriter::begin_array() {
  separate();
  put('[');
  comma_ = false;
  last_keys_.emplace_back();
}

void CanonicalWriter::end_array() {
  assert(!last_keys_.empty());
  last_keys_.pop_back();
  put(']');
  comma_ = true;
}

void CanonicalWriter::key(std::string_view text) {
  assert(!last_keys_.empty());
  assert(!comma_ || compare_utf16(last_keys_.back(), text) < 0);
  last_keys_.back().assign(text);
  separate();
  write_quoted(text);
  put(':');
  comma_ = false;
}

void CanonicalWriter::string(std::string_view text) {
  separate();
  write_quoted(text);
}

void CanonicalWriter::number(double value) {
  assert(std::isfinite(value));
  separate();
  char text[kEs6NumberBytes];
  put({text, static_cast<std::size_t>(write_es6_number(value, text) - text)});
}

void CanonicalWriter::integer(std::int64_t value) {
  assert(value >= -kLargestExactInteger && value <= kLargestExactInteger);
  separate();
  char text[kInt64Bytes];
  put({text, static_cast<std::size_t>(std::to_chars(text, text + sizeof text, value).ptr - text)});
}

void CanonicalWriter::boolean(bool value) {
  separate();
  put(value ? std::string_view("true") : std::string_view("false"));
}

void CanonicalWriter::null() {
  separate();
  put(std::string_view("null"));
}

void CanonicalWriter::value(const JsonView& view) {
  separate();
  write_node(*view.document_, view.node_);
}

void CanonicalWriter::write_node(const JsonDocument& document, std::uint32_t index) {
  const JsonDocument::Node& node = document.nodes_[index];
  switch (node.kind) {
    case JsonKind::null: return put(std::string_view("null"));
    case JsonKind::boolean: return put(node.boolean ? std::string_view("true") : std::string_view("false"));
    case JsonKind::number: return write_number_node(document, node);
    case JsonKind::string: return write_string_node(document, node);
    case JsonKind::array: return write_array(document, index);
    case JsonKind::object: return write_object(document, node);
  }
}

void CanonicalWriter::write_array(const JsonDocument& document, std::uint32_t index) {
  put('[');
  const std::uint32_t end = document.nodes_[index].next;
  for (std::uint32_t i = index + 1; i != end; i = document.nodes_[i].next) {
    if (i != index + 1) put(',');
    write_node(document, i);
  }
  put(']');
}

void CanonicalWriter::write_object(const JsonDocument& document, const JsonDocument::Node& object) {
  put('{');
  const std::uint32_t* order = document.order_.data() + object.members.offset;
  for (std::uint32_t i = 0; i != object.members.size; ++i) {
    if (i != 0) put(',');
    write_string_node(document, document.nodes_[order[i]]);
    put(':');
    write_node(document, order[i] + 1);
  }
  put('}');
}

void CanonicalWriter::write_string_node(const JsonDocument& document, const JsonDocument::Node& node) {
  if (node.verbatim) {
    // With its quotes, which are beside it in the text.
    put_from(document.text_, node.span.offset - 1, std::size_t{node.span.size} + 2);
  } else {
    write_quoted(std::string_view(document.decoded_).substr(node.span.offset, node.span.size));
  }
}

void CanonicalWriter::write_number_node(const JsonDocument& document, const JsonDocument::Node& node) {
  if (node.verbatim) return put_from(document.text_, node.span.offset, node.span.size);
  if (kBufferBytes - used_ < kEs6NumberBytes) flush();
  char* at = buffer_.data() + used_;
  used_ += static_cast<std::size_t>(write_es6_number(node.number, at) - at);
}

void CanonicalWriter::write_quoted(std::string_view text) {
  put('"');
  const char* p = text.data();
  const char* end = p + text.size();
  for (;;) {
    const char* stop = skip_unescaped(p, end);
    put({p, static_cast<std::size_t>(stop - p)});
    if (stop == end) break;
    write_escape(*stop);
    p = stop + 1;
  }
  put('"');
}

void CanonicalWriter::write_escape(char c) {
  switch (c) {
    case '"': return put(std::string_view("\\\""));
    case '\\': return put(std::string_view("\\\\"));
    case '\b': return put(std::string_view("\\b"));
    case '\t': return put(std::string_view("\\t"));
    case '\n': return put(std::string_view("\\n"));
    case '\f': return put(std::string_view("\\f"));
    case '\r': return put(std::string_view("\\r"));
    default: break;
  }
  constexpr char kHex[] = "0123456789abcdef";
  const char escape[] = {'\\', 'u', '0', '0', kHex[c >> 4 & 0xF], kHex[c & 0xF]};
  put({escape, sizeof escape});
}

}  // namespace sovereign::crypto
