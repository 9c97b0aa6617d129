// A cached answer: its key's encoding, its value, and when it was made and ends. Immutable.
//
// One block of memory holds all of it. Entries are counted: a hit hands out a pointer, never a copy,
// and the answer lives as long as somebody holds it, whatever the cache evicts meanwhile.
// Thread-safe: immutable but for its counter.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cache/query_key.h"
#include "cache/wall_time.h"

namespace sovereign::cache {

class Entry;
using EntryPtr = boost::intrusive_ptr<const Entry>;

class Entry {
 public:
  // Copies the key's encoding and the value. `value` is opaque; its owner gives it a format.
  static EntryPtr make(const QueryKey& key, std::string_view value, WallTime created,
                       WallTime expires = kNever);

  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  const Hash128& hash() const { return hash_; }
  std::string_view encoding() const { return {bytes(), encoding_size_}; }
  std::string_view value() const { return {bytes() + encoding_size_, value_size_}; }
  QueryKey key() const { return {hash_, encoding()}; }

  WallTime created() const { return created_; }
  WallTime expires() const { return expires_; }
  bool expired(WallTime now) const { return now >= expires_; }
  // Never negative, also when the clock was set back.
  WallDuration age(WallTime now) const { return now > created_ ? now - created_ : WallDuration::zero(); }

  // Bytes of memory that it takes.
  std::size_t footprint() const { return sizeof(Entry) + encoding_size_ + value_size_; }
  static std::size_t footprint(std::size_t encoding_size, std::size_t value_size) {
    return sizeof(Entry) + encoding_size + value_size;
  }

 private:
  Entry(const QueryKey& key, std::string_view value, WallTime created, WallTime expires);
  ~Entry() = default;

  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }

  friend void intrusive_ptr_add_ref(const Entry* entry) noexcept {
    entry->references_.fetch_add(1, std::memory_order_relaxed);
  }
  friend void intrusive_ptr_release(const Entry* entry) noexcept {
    if (entry->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(entry);
  }
  static void destroy(const Entry* entry) noexcept;

  mutable std::atomic<std::uint32_t> references_{1};  // whoever made it
  std::size_t encoding_size_;
  std::size_t value_size_;
  Hash128 hash_;
  WallTime created_;
  WallTime expires_;
};

}  // namespace sovereign::cache
