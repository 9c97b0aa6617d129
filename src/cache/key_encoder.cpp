#include "cache/key_encoder.h"

#include <algorithm>

namespace sovereign::cache {

KeyEncoder::KeyEncoder() {
  grow();
  std::memcpy(end_, "SVKEY", 6);
  std::memcpy(end_ + 6, &kVersion, sizeof kVersion);
  end_ += kPrefixSize;
}

void KeyEncoder::add_reference(KeyField field, std::string_view text) {
  parts_ = join(parts_, hash128(text));
  add_header(header(field, Type::text, text.size()));
  if (reference_count_ == references_.size()) references_.emplace_back();
  references_[reference_count_++] = {head_size(), text};
}

void KeyEncoder::seal() {
  parts_ = join(parts_, hash_of_open_part());
  sealed_ = head_size();
}

void KeyEncoder::grow() {
  const std::size_t size = head_size();
  const std::size_t capacity = std::max(size * 2 + kMaxFieldSize, std::size_t{1024});
  auto buffer = std::make_unique_for_overwrite<char[]>(capacity);
  if (size > 0) std::memcpy(buffer.get(), buffer_.get(), size);
  buffer_ = std::move(buffer);
  end_ = buffer_.get() + size;
  last_ = buffer_.get() + (capacity - kMaxFieldSize);
}

}  // namespace sovereign::cache
