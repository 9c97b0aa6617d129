#include "cache/disk_store.h"

#include "cache/disk_store_core.h"

namespace sovereign::cache {

result<std::unique_ptr<DiskStore>> DiskStore::open(DiskStoreConfig config, const Stamp& stamp) {
  if (config.path.empty() || config.max_bytes < (1u << 20) || config.max_queue_bytes == 0) {
    return fail(ErrorCode::invalid_argument,
                "The disk cache needs a path, at least 1 MB on disk, and a queue of more than 0 bytes.");
  }
  auto lock = FileLock::acquire(config.path + ".lock");
  if (!lock) return fail(lock.error());
  auto core = std::make_unique<Core>(std::move(config), stamp, std::move(*lock));
  return std::unique_ptr<DiskStore>(new DiskStore(std::move(core)));
}

DiskStore::DiskStore(std::unique_ptr<Core> core) : core_(std::move(core)) {}
DiskStore::~DiskStore() = default;

EntryPtr DiskStore::get(const QueryKey& key, WallTime now) { return core_->get(key, now); }
EntryPtr DiskStore::peek(const Hash128& hash, WallTime now) { return core_->find(hash, now).entry; }
bool DiskStore::put(EntryPtr entry) { return core_->put(std::move(entry)); }
void DiskStore::erase(const Hash128& hash) { core_->erase(hash); }
result<void> DiskStore::clear() { return core_->clear(); }
result<void> DiskStore::flush() { return core_->flush(); }
LevelStats DiskStore::stats() const { return core_->stats(); }
result<void> DiskStore::wait_until_open() { return core_->wait_until_open(); }

}  // namespace sovereign::cache
