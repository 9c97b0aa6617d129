#include "faulty_vfs.h"

#include <sqlite3.h>

#include <atomic>

namespace sovereign::cache {
namespace {

std::atomic<DiskFault> current_fault{DiskFault::none};

int status_of_fault(int status_when_broken) {
  switch (current_fault.load()) {
    case DiskFault::none: return SQLITE_OK;
    case DiskFault::full: return SQLITE_FULL;
    case DiskFault::broken: return status_when_broken;
    case DiskFault::stalled: return SQLITE_OK;
  }
  return SQLITE_OK;
}

void wait_while_stalled() { current_fault.wait(DiskFault::stalled); }

// A file of ours is this, and behind it in memory the real one.
struct FaultyFile {
  sqlite3_file base;
};
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<FaultyFile*>(file) + 1);
}

sqlite3_vfs* real_vfs() { return sqlite3_vfs_find("unix"); }

int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  if (const int status = status_of_fault(SQLITE_IOERR_WRITE)) return status;
  return real(file)->pMethods->xWrite(real(file), bytes, size, at);
}
int sync(sqlite3_file* file, int flags) {
  if (const int status = status_of_fault(SQLITE_IOERR_FSYNC)) return status;
  return real(file)->pMethods->xSync(real(file), flags);
}
int close(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
int read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 at) {
  wait_while_stalled();
  return real(file)->pMethods->xRead(real(file), bytes, size, at);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  return real(file)->pMethods->xTruncate(real(file), size);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
int check_lock(sqlite3_file* file, int* is_reserved) {
  return real(file)->pMethods->xCheckReservedLock(real(file), is_reserved);
}
int control(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int traits(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** mapped) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, mapped);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

const sqlite3_io_methods kMethods = {
    2,       close,       read,   write,   truncate, sync,        file_size, lock,    unlock, check_lock,
    control, sector_size, traits, shm_map, shm_lock, shm_barrier, shm_unmap, nullptr, nullptr};

int open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  wait_while_stalled();
  const int status = real_vfs()->xOpen(real_vfs(), path, real(file), flags, flags_out);
  file->pMethods = status == SQLITE_OK ? &kMethods : nullptr;
  return status;
}

}  // namespace

std::string faulty_vfs() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs ours = *real_vfs();
    ours.zName = "faulty";
    ours.szOsFile += static_cast<int>(sizeof(FaultyFile));
    ours.xOpen = open;
    ours.pNext = nullptr;
    return ours;
  }();
  sqlite3_vfs_register(&vfs, 0);
  return vfs.zName;
}

void set_disk_fault(DiskFault fault) {
  current_fault = fault;
  current_fault.notify_all();
}

}  // namespace sovereign::cache
