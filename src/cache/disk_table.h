// Records on disk by hash, in one SQLite file: what is stored and how. When, is DiskStore's decision.
//
// A row's id tells its age: ids only grow, and a record that was used gets a new one, so the rows with
// the least ids are evicted first. The file stays under `max_bytes`: freed pages are reused, never
// returned. Beside it lies SQLite's write-ahead log, of a few times the largest transaction.
//
// One DiskTable writes (one thread), one DiskReader reads (one thread at a time), at the same time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cache/hash128.h"
#include "cache/record.h"
#include "cache/sqlite.h"

namespace sovereign::cache {

struct DiskTableConfig {
  std::string path;
  std::size_t max_bytes = 0;
  bool sync_every_commit = false;
  std::string vfs;
};

class DiskTable {
 public:
  // Opens or creates. `corrupt`: the file is ours and damaged; `unsupported`: it was written under another
  // stamp or format. In both cases remove_disk_files() and open again. `already_exists`: the file is somebody
  // else's, and untouched.
  static result<DiskTable> open(const DiskTableConfig& config, const Stamp& stamp);

  // Between begin() and commit(). After an error of anything: rollback().
  result<void> begin();
  result<void> commit();
  void rollback();

  // Evicts the oldest rows as far as the bound asks, then inserts or replaces. resource_exhausted with
  // nothing changed when the record alone is larger than the bound.
  result<void> put(const Hash128& hash, std::string_view record);
  result<void> erase(const Hash128& hash);
  // Makes the record the newest.
  result<void> touch(const Hash128& hash);
  result<void> clear();

  std::uint64_t entries() const { return entries_; }
  std::uint64_t used_bytes() const { return used_bytes_; }
  std::uint64_t evictions() const { return evictions_; }
  bool fits(std::size_t record_size) const { return page_bytes(record_size) <= max_bytes_ / 2; }

 private:
  DiskTable(SqliteConnection connection, std::size_t max_bytes)
      : connection_(std::move(connection)), max_bytes_(max_bytes) {}

  result<void> create(const Stamp& stamp);
  result<void> check_stamp(const Stamp& stamp);
  result<void> prepare_statements();
  result<void> measure();
  result<void> make_room(std::uint64_t bytes);
  // What a record takes on its pages, rounded up.
  static std::uint64_t page_bytes(std::size_t record_size);

  SqliteConnection connection_;
  std::optional<SqliteStatement> insert_;
  std::optional<SqliteStatement> erase_;
  std::optional<SqliteStatement> touch_;
  std::optional<SqliteStatement> evict_;
  std::optional<SqliteStatement> page_count_;
  std::optional<SqliteStatement> free_count_;
  std::size_t max_bytes_;
  std::int64_t next_id_ = 1;
  std::uint64_t page_size_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t used_bytes_ = 0;
  std::uint64_t evictions_ = 0;
  std::uint64_t entries_at_begin_ = 0;
};

class DiskReader {
 public:
  static result<DiskReader> open(const std::string& path, const std::string& vfs);
  // The record's bytes; none when there is no such row.
  result<std::optional<std::string>> get(const Hash128& hash);

 private:
  DiskReader(SqliteConnection connection, SqliteStatement select)
      : connection_(std::move(connection)), select_(std::move(select)) {}
  SqliteConnection connection_;
  SqliteStatement select_;
};

}  // namespace sovereign::cache
