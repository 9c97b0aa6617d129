#include "cache/entry.h"

#include <cstring>
#include <new>

namespace sovereign::cache {

Entry::Entry(const QueryKey& key, std::string_view value, WallTime created, WallTime expires)
    : encoding_size_(key.size()),
      value_size_(value.size()),
      hash_(key.hash()),
      created_(created),
      expires_(expires) {
  char* to = reinterpret_cast<char*>(this + 1);
  key.write_to(to);
  if (!value.empty()) std::memcpy(to + key.size(), value.data(), value.size());
}

EntryPtr Entry::make(const QueryKey& key, std::string_view value, WallTime created, WallTime expires) {
  void* memory = ::operator new(footprint(key.size(), value.size()));
  return EntryPtr(new (memory) Entry(key, value, created, expires), /*add_ref=*/false);
}

void Entry::destroy(const Entry* entry) noexcept {
  const std::size_t size = entry->footprint();
  entry->~Entry();
  ::operator delete(const_cast<Entry*>(entry), size);
}

}  // namespace sovereign::cache
