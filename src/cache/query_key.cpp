#include "cache/query_key.h"

#include <cstring>

namespace sovereign::cache {

bool QueryKey::matches(std::string_view encoding) const noexcept {
  if (encoding.size() != size_) return false;
  const char* at = encoding.data();
  std::size_t from = 0;
  for (const KeyReference& reference : references_) {
    const std::size_t before = reference.at - from;
    if (std::memcmp(at, head_.data() + from, before) != 0) return false;
    at += before;
    if (std::memcmp(at, reference.text.data(), reference.text.size()) != 0) return false;
    at += reference.text.size();
    from = reference.at;
  }
  return std::memcmp(at, head_.data() + from, head_.size() - from) == 0;
}

void QueryKey::write_to(char* out) const noexcept {
  std::size_t from = 0;
  for (const KeyReference& reference : references_) {
    const std::size_t before = reference.at - from;
    std::memcpy(out, head_.data() + from, before);
    out += before;
    std::memcpy(out, reference.text.data(), reference.text.size());
    out += reference.text.size();
    from = reference.at;
  }
  std::memcpy(out, head_.data() + from, head_.size() - from);
}

std::string QueryKey::encoding() const {
  std::string encoding(size_, '\0');
  write_to(encoding.data());
  return encoding;
}

}  // namespace sovereign::cache
