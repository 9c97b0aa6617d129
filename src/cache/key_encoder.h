// Encodes all that changes an answer into one unambiguous string of bytes, and hashes it.
//
// The format (little-endian throughout), version 3:
//
//   encoding := "SVKEY" 0x00 version:u16  field*
//   field    := header:u64  body
//   header   := name (bits 0-15, KeyField)  type (bits 16-23)  length (bits 24-63)
//   type 0   text      body: `length` bytes
//   type 1   unsigned  body: u64, length 8; 2^40 and more
//   type 2   signed    body: two's complement i64, length 8
//   type 3   real      body: IEEE 754 binary64, length 8; -0 is written as 0, every NaN as one NaN
//   type 4   flag      no body: 0 or 1 in place of the length
//   type 5   list      body: `length` fields
//   type 6   small     no body: an unsigned number below 2^40 in place of the length
//
// Every field says how long it is before it begins, so no two different sequences of fields share an
// encoding. The order of fields counts: encode in one fixed order.
//
// The key's hash is made of the XXH3-128 of parts: each text of 256 bytes or more by itself, what stands
// before a seal() without such texts, and the rest without them. Part after part, in the order in which they
// were complete, hash = hash * kPartFactor + XXH3-128(part), each half modulo 2^64. Long texts are thus
// neither copied nor moved, and parts are hashed side by side by the processor. The hash is a function of the
// encoding and of where it is sealed, which is part of the order, so equal queries have equal hashes.
//
// Reuse one encoder: after the first queries it no longer allocates. Fields that stay the same from query
// to query (model, template, policy) come first, are sealed, and so are encoded and hashed once: seal(),
// mark(), then rewind() before each query.
// Not thread-safe. Texts of 256 bytes or more are borrowed: they must live, unchanged, as long as any
// key() taken is used.
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "cache/query_key.h"

namespace sovereign::cache {

// Names of fields; part of stored keys: never renumber, add at the end.
enum class KeyField : std::uint16_t {
  item = 0,  // an element of a list
  content,
  context,
  max_depth,
  require_reasoning,
  model_digest,
  chat_template,
  system_prompt,
  messages,
  tools,
  grammar,
  sampling,
  seed,
  max_tokens,
  stop,
  quality_policy,
  reasoning_policy,
  variant = 18,  // 17 was never used
};

class KeyEncoder {
 public:
  static constexpr std::uint16_t kVersion = 3;
  static constexpr std::size_t kReferenceSize = 256;
  static constexpr std::uint64_t kPartFactor = 0x9e3779b97f4a7c15;  // odd, so that no part's hash loses a bit

  KeyEncoder();
  KeyEncoder(const KeyEncoder&) = delete;  // it points into its buffer
  KeyEncoder& operator=(const KeyEncoder&) = delete;

  // Forgets all fields; keeps the memory.
  void clear() noexcept { rewind(Mark{.head_size = kPrefixSize}); }

  struct Mark {
    std::size_t head_size = 0;
    std::size_t references = 0;
    std::size_t sealed = 0;
    Hash128 parts{};
  };
  Mark mark() const noexcept { return {head_size(), reference_count_, sealed_, parts_}; }
  // Back to a mark of this encoder that was taken since the last clear().
  void rewind(const Mark& mark) noexcept {
    assert(mark.head_size <= head_size() && mark.references <= reference_count_);
    end_ = buffer_.get() + mark.head_size;
    reference_count_ = mark.references;
    sealed_ = mark.sealed;
    parts_ = mark.parts;
  }

  void add_text(KeyField field, std::string_view text) {
    if (text.size() >= kReferenceSize) return add_reference(field, text);
    char* const to = room();
    put_u64(to, header(field, Type::text, text.size()));
    copy_short(to + kHeaderSize, text.data(), text.size());
    end_ = to + kHeaderSize + text.size();
  }
  void add_unsigned(KeyField field, std::uint64_t value) {
    if (value >> kLengthBits != 0) return add_word(field, Type::unsigned_integer, value);
    add_header(header(field, Type::small, value));
  }
  void add_signed(KeyField field, std::int64_t value) {
    add_word(field, Type::signed_integer, std::bit_cast<std::uint64_t>(value));
  }
  void add_real(KeyField field, double value) {
    const std::uint64_t bits = value != value ? kNaN : std::bit_cast<std::uint64_t>(value + 0.0);
    add_word(field, Type::real, bits);
  }
  void add_flag(KeyField field, bool value) { add_header(header(field, Type::flag, value ? 1 : 0)); }
  // The next `count` fields are the list's elements; an element may be a list.
  void begin_list(KeyField field, std::size_t count) { add_header(header(field, Type::list, count)); }

  // Hashes what has been added until now, for good. Adds nothing to the encoding.
  void seal();

  // Valid until the encoder changes. O(bytes not yet hashed).
  QueryKey key() const noexcept {
    const std::string_view head(buffer_.get(), head_size());
    const std::span<const KeyReference> references(references_.data(), reference_count_);
    std::size_t size = head.size();
    for (const KeyReference& reference : references) size += reference.text.size();
    return {join(parts_, hash_of_open_part()), size, head, references};
  }

 private:
  enum class Type : std::uint8_t { text, unsigned_integer, signed_integer, real, flag, list, small };

  static constexpr std::size_t kPrefixSize = 8;
  static constexpr std::size_t kHeaderSize = 8;
  // In the buffer, which has no long texts.
  static constexpr std::size_t kMaxFieldSize = kHeaderSize + kReferenceSize;
  static constexpr unsigned kLengthBits = 40;
  static constexpr std::uint64_t kNaN = 0x7ff8'0000'0000'0000;

  static Hash128 join(const Hash128& parts, const Hash128& next) {
    return {parts.low * kPartFactor + next.low, parts.high * kPartFactor + next.high};
  }

  static_assert(std::endian::native == std::endian::little, "the format is little-endian");
  static void put_u64(char* to, std::uint64_t value) { std::memcpy(to, &value, sizeof value); }
  static std::uint64_t header(KeyField field, Type type, std::size_t length) {
    return static_cast<std::uint64_t>(field) | static_cast<std::uint64_t>(type) << 16 |
           static_cast<std::uint64_t>(length) << 24;
  }

  // memcpy for a few bytes, without the call: fixed blocks, the last of which may overlap its neighbour.
  static void copy_short(char* to, const char* from, std::size_t size) {
    if (size >= 32) {
      for (; size > 64; size -= 32, to += 32, from += 32) std::memcpy(to, from, 32);
      std::memcpy(to, from, 32);
      std::memcpy(to + size - 32, from + size - 32, 32);
    } else if (size >= 16) {
      std::memcpy(to, from, 16);
      std::memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
      std::memcpy(to, from, 8);
      std::memcpy(to + size - 8, from + size - 8, 8);
    } else {
      for (std::size_t at = 0; at < size; ++at) to[at] = from[at];
    }
  }

  void add_word(KeyField field, Type type, std::uint64_t value) {
    char* const to = room();
    put_u64(to, header(field, type, 8));
    put_u64(to + kHeaderSize, value);
    end_ = to + kHeaderSize + 8;
  }
  void add_header(std::uint64_t word) {
    char* const to = room();
    put_u64(to, word);
    end_ = to + kHeaderSize;
  }
  void add_reference(KeyField field, std::string_view text);

  std::size_t head_size() const { return static_cast<std::size_t>(end_ - buffer_.get()); }
  Hash128 hash_of_open_part() const noexcept {
    const char* const begin = buffer_.get() + sealed_;
    return hash128({begin, static_cast<std::size_t>(end_ - begin)});
  }

  // Room for one more field, at the end. Whoever writes there sets end_ afterwards, to a place counted from
  // what this returned: the compiler would read end_ again, as it could be what the written bytes have
  // overwritten.
  char* room() {
    if (end_ > last_) grow();
    return end_;
  }
  void grow();

  std::unique_ptr<char[]> buffer_;  // the encoding without long texts
  char* end_ = nullptr;
  char* last_ = nullptr;                  // the last place in the buffer where a field of any size may begin
  std::size_t sealed_ = 0;                // where what is in no part yet begins
  Hash128 parts_;                         // of all parts before
  std::vector<KeyReference> references_;  // of which rewind() leaves some behind that no longer count
  std::size_t reference_count_ = 0;
};

}  // namespace sovereign::cache
