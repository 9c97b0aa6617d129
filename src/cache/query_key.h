// What a cache entry is found by: a 128-bit hash, and the encoding it was computed from.
//
// XXH3 is fast, not collision-resistant: an adversary can make two queries with one hash. A secret seed
// would hide the hash but is no proof (XXH3 is not a MAC, and a persisted cache needs a seed that
// survives, that is, one more secret to keep). So every hit compares the encodings byte for byte: a
// wrong answer is impossible, keys are the same on every node and after every restart, and the cost is
// one memcmp of what was just read anyway. See docs of the byte format in key_encoder.h.
//
// QueryKey is a view: it borrows from the encoder, and from the texts that the encoder borrowed. Cheap
// to copy, safe to read from any thread while those live.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "cache/hash128.h"

namespace sovereign::cache {

// A long text of the encoding, kept by reference: it stands before the byte `at` of the head.
struct KeyReference {
  std::size_t at = 0;
  std::string_view text;
};

class QueryKey {
 public:
  // `encoding` is the whole encoding, as stored in an entry or a record.
  QueryKey(const Hash128& hash, std::string_view encoding)
      : hash_(hash), size_(encoding.size()), head_(encoding) {}

  // `head` is the encoding without long texts; `size` that of the whole encoding.
  QueryKey(const Hash128& hash, std::size_t size, std::string_view head,
           std::span<const KeyReference> references)
      : hash_(hash), size_(size), head_(head), references_(references) {}

  const Hash128& hash() const { return hash_; }
  // Bytes of the whole encoding.
  std::size_t size() const { return size_; }

  // Whether `encoding` is this key's whole encoding.
  bool matches(std::string_view encoding) const noexcept;
  // Writes the whole encoding: size() bytes.
  void write_to(char* out) const noexcept;
  std::string encoding() const;

 private:
  Hash128 hash_;
  std::size_t size_;
  std::string_view head_;
  std::span<const KeyReference> references_;
};

}  // namespace sovereign::cache
