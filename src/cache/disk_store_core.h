// DiskStore's inside: the queue under its lock, the writer thread, and the reader under another lock.
// Locks are never held together. Included by disk_store.cpp and disk_store_core.cpp only.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "cache/disk_store.h"
#include "cache/disk_table.h"
#include "cache/file_lock.h"
#include "cache/write_queue.h"

namespace sovereign::cache {

class DiskStore::Core {
 public:
  Core(DiskStoreConfig config, const Stamp& stamp, FileLock lock);
  ~Core();

  // Called by any thread.
  EntryPtr get(const QueryKey& key, WallTime now);

  struct Found {
    EntryPtr entry;
    bool on_disk = false;  // not in the queue
  };
  Found find(const Hash128& hash, WallTime now);

  bool put(EntryPtr entry);
  void erase(const Hash128& hash);
  result<void> clear();
  result<void> flush();
  LevelStats stats() const;
  result<void> wait_until_open();

 private:
  // A cycle of the writer: what it was asked to do, taken out under the lock.
  struct Work {
    bool rebuild = false;
    bool clear = false;
    const WriteBatch* batch = nullptr;
  };

  void run();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void finish(const Work& work, const result<void>& done);
  result<void> wait_for_cycle(std::unique_lock<std::mutex>& lock);
  // On the writer thread, without the lock.
  result<void> write(const Work& work);
  result<void> write_batch(const Work& work);
  result<void> ensure_open();
  void close();
  EntryPtr read(const Hash128& hash, WallTime now);
  void note_gathering(bool was_empty);
  void forget_all();

  const DiskStoreConfig config_;
  const Stamp stamp_;
  const FileLock file_lock_;

  mutable std::mutex mutex_;
  std::condition_variable work_;      // for the writer
  std::condition_variable progress_;  // for those who wait for it
  WriteQueue queue_;
  std::chrono::steady_clock::time_point gathering_since_;
  std::optional<std::chrono::steady_clock::time_point> retry_at_;  // set while writing fails
  bool stop_ = false;
  bool clear_wanted_ = false;
  bool rebuild_wanted_ = false;
  bool hidden_ = false;  // a clear() is not carried out yet: what is on disk must not be seen
  std::uint64_t cycles_started_ = 0;
  std::uint64_t cycles_finished_ = 0;
  std::uint64_t cycle_wanted_ = 0;
  std::optional<Error> last_error_;  // of the last cycle
  LevelStats stats_;                 // without the counters below

  std::atomic<std::uint64_t> hits_{0};
  std::atomic<std::uint64_t> misses_{0};
  std::atomic<std::uint64_t> corrupt_{0};
  std::atomic<std::uint64_t> read_errors_{0};

  std::mutex reader_mutex_;
  std::optional<DiskReader> reader_;

  std::optional<DiskTable> table_;  // the writer thread's own
  std::uint64_t evictions_before_ = 0;
  std::uint64_t written_ = 0;
  std::thread writer_;
};

}  // namespace sovereign::cache
