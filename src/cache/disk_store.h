// The cache's level on this machine's disk: survives restart and kill -9, never answers wrongly.
//
// Why SQLite (WAL mode), of Debian's embedded stores: writes come in batches a few times a second and a
// read follows a memory miss, before an inference of milliseconds to seconds, so its 10-20 µs a read and
// its one writer are no limit. It is bounded by reusing pages, survives kill -9 by its log, answers a
// full disk with an error and an intact file (LMDB's map can fault instead), and needs no threads and
// tens of megabytes of its own as RocksDB does. A record carries its own checksum and stamp (record.h),
// so a damaged one is dropped, and one of another runtime version or model is never read.
//
// Write-behind: put() and erase() are accepted into a bounded queue, seen by get() at once, and stored
// by one writer thread every `flush_interval`, a batch per transaction. After kill -9 what was accepted
// more than a second before is there, as long as the disk takes a batch in under `1 s - flush_interval`.
// After a power cut the file is whole, and back at most to its last checkpoint (every 4 MB written), or
// to the last batch with sync_every_batch.
//
// Opening happens on the writer thread: open() returns at once, and get() misses until it is done. A
// file of another stamp, or a damaged one, is deleted and begun anew: it is a cache. A file that is not the
// cache's (disk_file.h) stays untouched, and the store is then as with a disk that fails. When the disk is
// full or fails, the store keeps what it accepted in its queue (refusing puts when that is full), tries
// again every `retry_interval`, logs both turns once, and is unhealthy meanwhile.
//
// One process per file, held by a lock on `path`.lock. Thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "cache/level.h"
#include "cache/record.h"

namespace sovereign::cache {

struct DiskStoreConfig {
  std::string path{};  // its folder must exist
  std::size_t max_bytes =
      1024ull * 1024 * 1024;  // of the file, at least 1 MB; SQLite's log (16 MB) comes on top
  std::size_t max_queue_bytes = 16 * 1024 * 1024;  // accepted and not yet stored
  std::chrono::milliseconds flush_interval{250};
  std::chrono::milliseconds retry_interval{5000};  // after a failed write
  bool sync_every_batch = false;                   // wait for the disk at every batch
  std::string vfs{};                               // SQLite's door to the file system; empty: its own
};

class DiskStore final : public CacheLevel {
 public:
  // Errors: invalid_argument (bounds), unavailable (another process has it), permission_denied or
  // not_found (the folder).
  static result<std::unique_ptr<DiskStore>> open(DiskStoreConfig config, const Stamp& stamp);
  // Stores what was accepted (one attempt), then stops.
  ~DiskStore() override;

  std::string_view name() const override { return "disk"; }
  EntryPtr get(const QueryKey& key, WallTime now) override;
  EntryPtr peek(const Hash128& hash, WallTime now) override;
  bool put(EntryPtr entry) override;
  void erase(const Hash128& hash) override;
  result<void> clear() override;
  result<void> flush() override;
  LevelStats stats() const override;

  // Until the file is open, or could not be opened (an error).
  result<void> wait_until_open();

 private:
  class Core;
  explicit DiskStore(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace sovereign::cache
