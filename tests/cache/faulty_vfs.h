// A door to the file system that can be told to fail: the disk is full, or gone, or does not answer.
#pragma once

#include <string>

namespace sovereign::cache {

enum class DiskFault {
  none,
  full,     // writes fail
  broken,   // likewise
  stalled,  // opening and reading wait until there is another fault, or none
};

// The name of the SQLite VFS (registered at the first call) that passes everything on to the machine's
// own, but fails writes as told.
std::string faulty_vfs();
void set_disk_fault(DiskFault fault);

}  // namespace sovereign::cache
