#include "base/system_info.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace sovereign {
namespace {

TEST(SystemInfo, CountsProcessors) {
  const CpuInfo cpu = cpu_info();
  EXPECT_GE(cpu.logical, 1U);
  EXPECT_LE(cpu.logical, static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF)));
  EXPECT_GE(cpu.physical, 1U);
  EXPECT_LE(cpu.physical, cpu.logical);
}

TEST(SystemInfo, AvailableMemoryIsPartOfTheTotal) {
  const MemoryInfo memory = memory_info();
  EXPECT_GT(memory.available_bytes, 0U);
  EXPECT_LE(memory.available_bytes, memory.total_bytes);
}

TEST(SystemInfo, DiskOfAFolderToBe) {
  EXPECT_GT(free_disk_bytes("/"), 0U);
  EXPECT_EQ(free_disk_bytes("/no/such/folder/yet") > 0, true);
}

TEST(SystemInfo, FileLimitAndSystemAreKnown) {
  const FileLimit limit = open_file_limit();
  EXPECT_GT(limit.soft, 0U);
  EXPECT_LE(limit.soft, limit.hard);
  EXPECT_NE(operating_system().find("Linux"), std::string::npos);
}

}  // namespace
}  // namespace sovereign
