#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "kernels/ggml_weights.h"
#include "support/resident_file_bytes.h"
#include "support/temporary_folder.h"

namespace sovereign::kernels {
namespace {

using sovereign::testing::resident_file_bytes;
using sovereign::testing::TemporaryFolder;

constexpr std::size_t kBytes = std::size_t{1} << 20U;

// A file of kBytes, mapped; what it holds is all 'w'.
class Mapping {
 public:
  Mapping(const std::string& file, int protection, int flags) {
    sovereign::testing::write_file(file, std::string(kBytes, 'w'));
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_GE(descriptor, 0);
    address_ = static_cast<char*>(::mmap(nullptr, kBytes, protection, flags, descriptor, 0));
    EXPECT_NE(address_, MAP_FAILED);
    ::close(descriptor);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { ::munmap(address_, kBytes); }

  char* begin() { return address_; }
  bool holds_only(char value) const {
    return std::string_view(address_, kBytes).find_first_not_of(value) == std::string_view::npos;
  }

 private:
  char* address_;
};

TEST(MappedPages, OfTheFileAreGivenBackAndComeAgain) {
  const TemporaryFolder folder;
  for (const int flags : {MAP_SHARED, MAP_PRIVATE}) {
    const Mapping mapping(folder.file("weights"), PROT_READ, flags);
    EXPECT_TRUE(mapping.holds_only('w'));
    EXPECT_EQ(resident_file_bytes(folder.file("weights")), kBytes);
    release_mapped_pages(folder.file("weights"));
    EXPECT_EQ(resident_file_bytes(folder.file("weights")), 0U);
    EXPECT_TRUE(mapping.holds_only('w'));
    EXPECT_EQ(resident_file_bytes(folder.file("weights")), kBytes);
  }
}

TEST(MappedPages, AFileIsKnownByItsWholeNameOrByALinkToIt) {
  const TemporaryFolder folder;
  const Mapping mapping(folder.file("weights"), PROT_READ, MAP_SHARED);
  const Mapping other(folder.file("other weights"), PROT_READ, MAP_SHARED);
  EXPECT_TRUE(mapping.holds_only('w') && other.holds_only('w'));
  std::filesystem::create_symlink(folder.file("weights"), folder.file("link"));
  release_mapped_pages(folder.file("none"));
  EXPECT_EQ(resident_file_bytes(folder.file("weights")), kBytes);
  release_mapped_pages(folder.file("link"));
  EXPECT_EQ(resident_file_bytes(folder.file("weights")), 0U);
  EXPECT_EQ(resident_file_bytes(folder.file("other weights")), kBytes);
}

// Its pages are nowhere else.
TEST(MappedPages, WhatCanBeWrittenStays) {
  const TemporaryFolder folder;
  Mapping mapping(folder.file("weights"), PROT_READ | PROT_WRITE, MAP_PRIVATE);
  std::fill_n(mapping.begin(), kBytes, 'x');
  release_mapped_pages(folder.file("weights"));
  EXPECT_TRUE(mapping.holds_only('x'));
}

}  // namespace
}  // namespace sovereign::kernels
