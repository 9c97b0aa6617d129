// What a write-behind level has accepted and not yet stored: the newest operation per hash, bounded.
//
// Two generations: `gathering` takes new operations, `writing` is what the writer works on now. Both
// answer look-ups, so an accepted operation is seen at once. Not thread-safe: its level owns the lock.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "cache/entry.h"

namespace sovereign::cache {

struct WriteOperation {
  enum class Kind { put, erase, touch };
  Kind kind = Kind::touch;
  EntryPtr entry;  // of a put
};

struct HashOfHash128 {
  std::size_t operator()(const Hash128& hash) const { return hash.low ^ hash.high; }
};
using WriteBatch = std::unordered_map<Hash128, WriteOperation, HashOfHash128>;

class WriteQueue {
 public:
  // Bytes count entries by their footprint, and each operation with kOperationBytes.
  explicit WriteQueue(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  static constexpr std::size_t kOperationBytes = 128;

  // Replaces the gathering operation of that hash, whatever its kind. False: no room, nothing changed.
  bool put(EntryPtr entry);
  // Taken up to twice the bound: an erasure that is lost would let an answer come back. False: past that;
  // the caller must clear everything instead.
  bool erase(const Hash128& hash);
  // A hint: dropped when there is no room, or when an operation of that hash is there.
  void touch(const Hash128& hash);

  // The newest put or erase of this hash; null when there is none.
  const WriteOperation* find(const Hash128& hash) const;

  // Moves what was gathered to `writing`, which must be empty, and returns it; it stays the same until
  // written().
  const WriteBatch& begin_writing();
  void written();
  // The writer failed: what it wrote goes back, but for what was gathered since.
  void restore();
  // Forgets everything; what is being written answers no more, and is not restored.
  void clear();

  bool gathering_empty() const { return gathering_.empty(); }
  std::size_t gathering_bytes() const { return gathering_bytes_; }
  std::size_t operations() const { return gathering_.size() + writing_.size(); }

 private:
  static std::size_t cost(const WriteOperation& operation) {
    return kOperationBytes + (operation.entry ? operation.entry->footprint() : 0);
  }
  void set(const Hash128& hash, WriteOperation operation);

  std::size_t max_bytes_;
  WriteBatch gathering_;
  WriteBatch writing_;
  std::size_t gathering_bytes_ = 0;
  std::size_t writing_bytes_ = 0;
  bool writing_is_stale_ = false;
};

}  // namespace sovereign::cache
