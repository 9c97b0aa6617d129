#include "base/file_digest.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "support/temporary_folder.h"

namespace sovereign {
namespace {

using testing::TemporaryFolder;
using testing::write_file;

std::size_t files_in(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder)) return 0;
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

TEST(FileDigest, IsTheFilesAndIsNotRememberedWhileTheFileIsFresh) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "model";
  write_file(file, "one");
  EXPECT_EQ(remembered_sha256_file(file, folder.path() / "digests").value(), sha256("one"));
  EXPECT_EQ(files_in(folder.path() / "digests"), 0u) << "it may be written again within the clock's tick";
  write_file(file, "two");
  EXPECT_EQ(remembered_sha256_file(file, folder.path() / "digests").value(), sha256("two"));
}

// A file that was there before this test was compiled.
TEST(FileDigest, IsRememberedUnderTheFilesState) {
  const TemporaryFolder folder;
  const std::filesystem::path file = "/etc/os-release";
  const auto digests = folder.path() / "digests";
  const auto first = remembered_sha256_file(file, digests);
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, sha256_file(file).value());
  ASSERT_EQ(files_in(digests), 1u);
  // What is remembered is believed: a record of our own shows that it was read.
  const auto record = std::filesystem::directory_iterator(digests)->path();
  std::string text = testing::content_of(record);
  const std::string forged = to_hex(sha256("forged"));
  text.replace(text.size() - 65, 64, forged);
  write_file(record, text);
  EXPECT_EQ(remembered_sha256_file(file, digests).value(), sha256("forged"));
  // Of another state it is not.
  text[text.find(' ') + 1] ^= 1;
  write_file(record, text);
  EXPECT_EQ(remembered_sha256_file(file, digests).value(), *first);
  write_file(record, "nonsense");
  EXPECT_EQ(remembered_sha256_file(file, digests).value(), *first);
}

TEST(FileDigest, WorksWithoutAFolderAndFailsWithoutAFile) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "model";
  write_file(file, "one");
  EXPECT_EQ(remembered_sha256_file(file, {}).value(), sha256("one"));
  EXPECT_EQ(remembered_sha256_file(file, "/proc/nowhere").value(), sha256("one"));
  EXPECT_EQ(remembered_sha256_file(folder.path() / "none", folder.path()).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace sovereign
