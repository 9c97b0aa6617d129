#include "cache/key_encoder.h"

#include <algorithm>

namespace sovereign::cache {

KeyEncoder::KeyEncoder() {
  char* prefix = grow(kPrefixSize);
  std::memcpy(prefix, "SVKEY", 6);
  std::memcpy(prefix + 6, &kVersion, sizeof kVersion);
}

void KeyEncoder::add_reference(KeyField field, std::string_view text) {
  const Hash128 digest = hash128(text);
  char* to = grow(kHeaderSize + kKeyDigestSize);
  put_u64(to, header(field, Type::text, text.size()));
  put_u64(to + kHeaderSize, digest.low);
  put_u64(to + kHeaderSize + 8, digest.high);
  references_.push_back({size_ - kKeyDigestSize, text});
  expanded_size_ += text.size() - kKeyDigestSize;
}

void KeyEncoder::seal() {
  const Hash128 digest = hash128({buffer_.get() + sealed_, size_ - sealed_});
  sealed_ = size_;
  char* to = grow(kKeyDigestSize);
  put_u64(to, digest.low);
  put_u64(to + 8, digest.high);
  references_.push_back({sealed_, ""});  // 16 bytes in the hashed form that stand for none of the encoding
  expanded_size_ -= kKeyDigestSize;
}

QueryKey KeyEncoder::key() const noexcept {
  const std::string_view head(buffer_.get(), size_);
  return {hash128(head.substr(sealed_)), expanded_size_, head, references_};
}

void KeyEncoder::reserve(std::size_t more) {
  const std::size_t capacity = std::max({capacity_ * 2, size_ + more, std::size_t{1024}});
  auto buffer = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ > 0) std::memcpy(buffer.get(), buffer_.get(), size_);
  buffer_ = std::move(buffer);
  capacity_ = capacity;
}

}  // namespace sovereign::cache
