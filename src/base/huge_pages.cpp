#include "base/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <utility>

namespace sovereign {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

HugePages::HugePages(std::size_t size) {
  if (size == 0) return;
  // A huge page begins at a multiple of its size. What is mapped beside it is never touched.
  const bool huge = size >= kHugePage;
  const std::size_t mapped = huge ? size + kHugePage : size;
  void* const memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mapping_ = {static_cast<std::byte*>(memory), mapped};
  const std::size_t beyond = reinterpret_cast<std::uintptr_t>(memory) % kHugePage;
  bytes_ = mapping_.subspan(huge && beyond != 0 ? kHugePage - beyond : 0, size);
#ifdef MADV_HUGEPAGE
  if (huge) madvise(bytes_.data(), size, MADV_HUGEPAGE);  // a wish
#endif
}

HugePages::HugePages(HugePages&& other) noexcept
    : mapping_(std::exchange(other.mapping_, {})), bytes_(std::exchange(other.bytes_, {})) {}

HugePages& HugePages::operator=(HugePages&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

HugePages::~HugePages() {
  if (!mapping_.empty()) munmap(mapping_.data(), mapping_.size());
}

}  // namespace sovereign
