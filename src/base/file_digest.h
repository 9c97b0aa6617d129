// The SHA-256 of large files that seldom change, remembered beside them: hashing a model of some gigabytes
// at each start takes seconds.
//
// A remembered digest counts while path, size, device, inode and the time of the last change are what they
// were. That is what tells an honest change; who can write to the cache's folder can forge it, so whoever
// checks somebody else's claim uses sha256_file().
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/sha256.h"

namespace sovereign {

// Keeps one small file per path below `folder`, which is made when it is missing; when that cannot be, the
// digest is computed each time. Errors: as sha256_file().
result<Sha256Digest> remembered_sha256_file(const std::filesystem::path& path,
                                            const std::filesystem::path& folder);

}  // namespace sovereign
