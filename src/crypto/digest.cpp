#include "crypto/digest.h"

#include <array>
#include <cassert>
#include <charconv>

#include "crypto/canonical_json.h"
#include "crypto/canonical_writer.h"

namespace sovereign::crypto {
namespace {

constexpr std::size_t kPurposeBytes = 32;

[[maybe_unused]] bool is_purpose(std::string_view purpose) {
  return !purpose.empty() && purpose.size() <= kPurposeBytes &&
         purpose.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

}  // namespace

DomainHasher::DomainHasher(DigestDomain domain) {
  assert(is_purpose(domain.purpose));
  char version[10];
  const char* end = std::to_chars(version, version + sizeof version, domain.version).ptr;
  write("sovereign/");
  write(domain.purpose);
  write("/v");
  write({version, static_cast<std::size_t>(end - version)});
  write(std::string_view("\0", 1));
}

void DomainHasher::write_sized(std::string_view bytes) {
  std::array<char, 8> length;
  std::uint64_t left = bytes.size();
  for (auto byte = length.rbegin(); byte != length.rend(); ++byte, left >>= 8)
    *byte = static_cast<char>(left & 0xFF);
  write({length.data(), length.size()});
  write(bytes);
}

Digest digest_of(DigestDomain domain, std::string_view content) {
  DomainHasher hasher(domain);
  hasher.write(content);
  return hasher.finish();
}

Digest digest_of(DigestDomain domain, const JsonView& value) {
  DomainHasher hasher(domain);
  CanonicalWriter writer(hasher);
  writer.value(value);
  writer.finish();
  return hasher.finish();
}

result<Digest> digest_of_json(DigestDomain domain, std::string_view text, const JsonLimits& limits) {
  const auto document = JsonDocument::parse(text, limits);
  if (!document) return fail(document.error());
  return digest_of(domain, document->root());
}

result<DigestedJson> DigestedJson::from(DigestDomain domain, std::string_view text,
                                        const JsonLimits& limits) {
  auto canonical = canonicalize(text, limits);
  if (!canonical) return fail(std::move(canonical.error()));
  const Digest digest = digest_of(domain, *canonical);
  return DigestedJson(std::move(*canonical), digest);
}

}  // namespace sovereign::crypto
