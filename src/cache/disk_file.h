// Whose file lies where the cache is to be, read from its first bytes before SQLite touches it.
//
// The path is the operator's to choose, and a wrong one names a file that somebody needs. So a file is opened
// for writing, or deleted, only when it is absent, empty, or carries the mark that this cache puts into
// SQLite's header (application id, https://www.sqlite.org/fileformat.html 1.3.17) in the same write that
// creates it. A file of ours whose very header is damaged is not known again: it stays, and is reported.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace sovereign::cache {

inline constexpr std::int64_t kDiskApplicationId = 0x53564331;  // "SVC1"

enum class DiskFileOwner { nobody, cache };

// Errors: already_exists (somebody else's file, or no regular file), unavailable (it cannot be read).
result<DiskFileOwner> owner_of_disk_file(const std::string& path);

// Deletes the cache's database and what SQLite keeps beside it. Nothing may have it open. Errors: as
// owner_of_disk_file(); nothing is deleted then.
result<void> remove_disk_files(const std::string& path);

}  // namespace sovereign::cache
