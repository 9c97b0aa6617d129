#include "cache/disk_store_core.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "cache/disk_file.h"

namespace sovereign::cache {
namespace {

// A batch of this size is written at once, however young.
constexpr std::size_t kBatchBytes = 4 * 1024 * 1024;

using SteadyTime = std::chrono::steady_clock::time_point;
SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace

DiskStore::Core::Core(DiskStoreConfig config, const Stamp& stamp, FileLock lock)
    : config_(std::move(config)),
      stamp_(stamp),
      file_lock_(std::move(lock)),
      queue_(config_.max_queue_bytes),
      cycle_wanted_(1),  // the first cycle opens the file
      writer_([this] { run(); }) {}

DiskStore::Core::~Core() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  writer_.join();
  close();
}

EntryPtr DiskStore::Core::get(const QueryKey& key, WallTime now) {
  Found found = find(key.hash(), now);
  if (!found.entry || !key.matches(found.entry->encoding())) {
    misses_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  hits_.fetch_add(1, std::memory_order_relaxed);
  if (found.on_disk) {
    std::lock_guard lock(mutex_);
    const bool was_empty = queue_.gathering_empty();
    queue_.touch(key.hash());
    note_gathering(was_empty);
  }
  return std::move(found.entry);
}

DiskStore::Core::Found DiskStore::Core::find(const Hash128& hash, WallTime now) {
  {
    std::lock_guard lock(mutex_);
    if (const WriteOperation* operation = queue_.find(hash)) {
      const bool is_live = operation->entry && !operation->entry->expired(now);
      return {is_live ? operation->entry : nullptr, false};
    }
    if (hidden_) return {};
  }
  return {read(hash, now), true};
}

EntryPtr DiskStore::Core::read(const Hash128& hash, WallTime now) {
  result<std::optional<std::string>> record = std::nullopt;
  {
    std::lock_guard lock(reader_mutex_);
    if (!reader_) return nullptr;
    record = reader_->get(hash);
  }
  if (!record) {
    // The first of a row is logged; then the counter tells.
    if (read_errors_.fetch_add(1, std::memory_order_relaxed) == 0) {
      spdlog::error("The cache on disk ({}) cannot be read: {}", config_.path, record.error().message);
    }
    if (record.error().code == ErrorCode::corrupt) {
      std::lock_guard lock(mutex_);
      rebuild_wanted_ = true;
      work_.notify_all();
    }
    return nullptr;
  }
  if (!*record) return nullptr;
  result<EntryPtr> entry = decode_record(**record, stamp_);
  // A damaged record is a miss: the answer that is then made takes its place.
  if (!entry || (*entry)->hash() != hash) {
    corrupt_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  return (*entry)->expired(now) ? nullptr : std::move(*entry);
}

void DiskStore::Core::note_gathering(bool was_empty) {
  const bool is_first = was_empty && !queue_.gathering_empty();
  if (is_first) gathering_since_ = steady_now();
  if (is_first || queue_.gathering_bytes() >= kBatchBytes) work_.notify_all();
}

bool DiskStore::Core::put(EntryPtr entry) {
  const bool is_too_large = record_size(*entry) > config_.max_bytes / 4;
  std::lock_guard lock(mutex_);
  const bool was_empty = queue_.gathering_empty();
  if (is_too_large || !queue_.put(std::move(entry))) {
    ++stats_.refusals;
    return false;
  }
  note_gathering(was_empty);
  return true;
}

void DiskStore::Core::erase(const Hash128& hash) {
  std::lock_guard lock(mutex_);
  const bool was_empty = queue_.gathering_empty();
  if (!queue_.erase(hash)) {
    forget_all();
    work_.notify_all();
    return;
  }
  note_gathering(was_empty);
}

// From now on nothing that was put is seen; the writer empties the file when it can.
void DiskStore::Core::forget_all() {
  queue_.clear();
  clear_wanted_ = true;
  hidden_ = true;
}

result<void> DiskStore::Core::clear() {
  std::unique_lock lock(mutex_);
  forget_all();
  return wait_for_cycle(lock);
}

result<void> DiskStore::Core::flush() {
  std::unique_lock lock(mutex_);
  return wait_for_cycle(lock);
}

result<void> DiskStore::Core::wait_until_open() {
  std::unique_lock lock(mutex_);
  progress_.wait(lock, [&] { return cycles_finished_ >= 1; });
  if (last_error_) return fail(*last_error_);
  return {};
}

// A cycle that begins after now sees all that was accepted before.
result<void> DiskStore::Core::wait_for_cycle(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t cycle = cycles_started_ + 1;
  cycle_wanted_ = std::max(cycle_wanted_, cycle);
  work_.notify_all();
  progress_.wait(lock, [&] { return cycles_finished_ >= cycle; });
  if (last_error_) return fail(*last_error_);
  return {};
}

LevelStats DiskStore::Core::stats() const {
  std::lock_guard lock(mutex_);
  LevelStats stats = stats_;
  stats.hits = hits_.load(std::memory_order_relaxed);
  stats.misses = misses_.load(std::memory_order_relaxed);
  stats.corrupt = corrupt_.load(std::memory_order_relaxed);
  stats.errors += read_errors_.load(std::memory_order_relaxed);
  stats.pending = queue_.operations();
  return stats;
}

void DiskStore::Core::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wait_for_work(lock);
    const bool is_last = stop_;
    Work work;
    work.rebuild = std::exchange(rebuild_wanted_, false);
    work.clear = std::exchange(clear_wanted_, false);
    work.batch = &queue_.begin_writing();
    ++cycles_started_;
    lock.unlock();
    const result<void> done = write(work);
    lock.lock();
    finish(work, done);
    if (is_last) return;
  }
}

void DiskStore::Core::wait_for_work(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (stop_ || cycle_wanted_ > cycles_started_) return;
    std::optional<SteadyTime> due = retry_at_;
    if (!due && (rebuild_wanted_ || clear_wanted_)) return;
    if (!due && queue_.gathering_bytes() >= kBatchBytes) return;
    if (!due && !queue_.gathering_empty()) due = gathering_since_ + config_.flush_interval;
    if (!due) {
      work_.wait(lock);
    } else if (steady_now() >= *due) {
      return;
    } else {
      work_.wait_until(lock, *due);
    }
  }
}

void DiskStore::Core::finish(const Work& work, const result<void>& done) {
  ++cycles_finished_;
  if (done) {
    queue_.written();
    if (!clear_wanted_) hidden_ = false;
    if (retry_at_) spdlog::info("The cache on disk ({}) is written again.", config_.path);
    retry_at_.reset();
    last_error_.reset();
  } else {
    if (!retry_at_) {
      spdlog::error("The cache on disk ({}) cannot be written; answers stay in memory: {}", config_.path,
                    done.error().message);
    }
    queue_.restore();
    clear_wanted_ = clear_wanted_ || work.clear;
    rebuild_wanted_ = rebuild_wanted_ || done.error().code == ErrorCode::corrupt;
    ++stats_.errors;
    retry_at_ = steady_now() + config_.retry_interval;
    last_error_ = done.error();
  }
  stats_.healthy = done.has_value();
  stats_.writes = written_;
  if (table_) {
    stats_.entries = table_->entries();
    stats_.bytes = table_->used_bytes();
    stats_.evictions = evictions_before_ + table_->evictions();
  }
  progress_.notify_all();
}

void DiskStore::Core::close() {
  {
    std::lock_guard lock(reader_mutex_);
    reader_.reset();
  }
  if (table_) evictions_before_ += table_->evictions();
  table_.reset();
}

result<void> DiskStore::Core::ensure_open() {
  if (table_) return {};
  const DiskTableConfig settings{config_.path, config_.max_bytes, config_.sync_every_batch, config_.vfs};
  result<DiskTable> table = DiskTable::open(settings, stamp_);
  if (!table && (table.error().code == ErrorCode::unsupported || table.error().code == ErrorCode::corrupt)) {
    const bool is_damaged = table.error().code == ErrorCode::corrupt;
    spdlog::log(is_damaged ? spdlog::level::err : spdlog::level::info,
                "The cache on disk ({}) is begun anew: {}", config_.path, table.error().message);
    if (auto done = remove_disk_files(config_.path); !done) return done;
    table = DiskTable::open(settings, stamp_);
  }
  if (!table) return fail(table.error());
  result<DiskReader> reader = DiskReader::open(config_.path, config_.vfs);
  if (!reader) return fail(reader.error());
  table_.emplace(std::move(*table));
  std::lock_guard lock(reader_mutex_);
  reader_.emplace(std::move(*reader));
  return {};
}

result<void> DiskStore::Core::write(const Work& work) {
  if (work.rebuild) {
    spdlog::error("The cache on disk ({}) is damaged and begun anew.", config_.path);
    close();
    if (auto done = remove_disk_files(config_.path); !done) return done;
  }
  if (auto done = ensure_open(); !done) return done;
  if (!work.clear && work.batch->empty()) return {};
  const auto done = write_batch(work);
  if (!done) table_->rollback();
  return done;
}

result<void> DiskStore::Core::write_batch(const Work& work) {
  std::uint64_t written = 0;
  if (auto done = table_->begin(); !done) return done;
  if (work.clear) {
    if (auto done = table_->clear(); !done) return done;
  }
  for (const auto& [hash, operation] : *work.batch) {
    result<void> done;
    switch (operation.kind) {
      case WriteOperation::Kind::put:
        done = table_->put(hash, encode_record(*operation.entry, stamp_));
        ++written;
        break;
      case WriteOperation::Kind::erase: done = table_->erase(hash); break;
      case WriteOperation::Kind::touch: done = table_->touch(hash); break;
    }
    if (!done) return done;
  }
  if (auto done = table_->commit(); !done) return done;
  written_ += written;
  return {};
}

}  // namespace sovereign::cache
