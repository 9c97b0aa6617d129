#include "cache/key_encoder.h"

#include <algorithm>

namespace sovereign::cache {

KeyEncoder::KeyEncoder() {
  char* prefix = grow(kPrefixSize);
  std::memcpy(prefix, "SVKEY", 6);
  std::memcpy(prefix + 6, &kVersion, sizeof kVersion);
}

void KeyEncoder::add_reference(KeyField field, std::string_view text) {
  parts_ = join(parts_, hash128(text));
  put_u64(grow(kHeaderSize), header(field, Type::text, text.size()));
  references_.push_back({size_, text});
}

void KeyEncoder::seal() {
  parts_ = join(parts_, hash128({buffer_.get() + sealed_, size_ - sealed_}));
  sealed_ = size_;
}

void KeyEncoder::reserve(std::size_t more) {
  const std::size_t capacity = std::max({capacity_ * 2, size_ + more, std::size_t{1024}});
  auto buffer = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ > 0) std::memcpy(buffer.get(), buffer_.get(), size_);
  buffer_ = std::move(buffer);
  capacity_ = capacity;
}

}  // namespace sovereign::cache
