// Domain-separated SHA-256: a digest made for one purpose can never stand for another.
//
//   digest = SHA-256( "sovereign/" purpose "/v" version 0x00 content )
//
// purpose: 1 to 32 of a-z 0-9 - ; version: decimal without leading zeros; both ASCII; one zero byte ends
// the prefix, so no prefix is the beginning of another. For purpose "receipt", version 1, the prefix is
//   73 6f 76 65 72 65 69 67 6e 2f 72 65 63 65 69 70 74 2f 76 31 00
// A content of several parts that are not JSON is written with write_sized(): each part preceded by its
// length as 8 bytes, big-endian, so that moving a byte from one part to the next changes the digest.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/byte_sink.h"
#include "crypto/json_document.h"
#include "crypto/sha2.h"

namespace sovereign::crypto {

struct DigestDomain {
  std::string_view purpose;
  unsigned version;
};

// Allocates nothing. One thread at a time; finish() once.
class DomainHasher final : public ByteSink {
 public:
  explicit DomainHasher(DigestDomain domain);

  void write(std::string_view bytes) override { hash_.update(bytes); }
  void write_sized(std::string_view bytes);
  Digest finish() { return hash_.finish(); }

 private:
  Sha256Stream hash_;
};

Digest digest_of(DigestDomain domain, std::string_view content);

// Of the canonical JSON of a parsed value: one pass, no string in between.
Digest digest_of(DigestDomain domain, const JsonView& value);

// Of the canonical JSON of a text; errors as JsonDocument::parse.
result<Digest> digest_of_json(DigestDomain domain, std::string_view text, const JsonLimits& limits = {});

// Canonical JSON together with its digest, both made once. Immutable, so safe to share between threads:
// whoever holds it never canonicalizes or hashes again.
class DigestedJson {
 public:
  static result<DigestedJson> from(DigestDomain domain, std::string_view text, const JsonLimits& limits = {});

  const std::string& text() const { return text_; }
  const Digest& digest() const { return digest_; }

 private:
  DigestedJson(std::string text, const Digest& digest) : text_(std::move(text)), digest_(digest) {}

  std::string text_;
  Digest digest_;
};

}  // namespace sovereign::crypto
