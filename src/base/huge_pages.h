// Memory for what is reached at random: in huge pages where the kernel gives them (MADV_HUGEPAGE), so that a
// step to somewhere costs one cache miss, and not a walk through the page tables besides.
#pragma once

#include <cstddef>
#include <span>

namespace sovereign {

class HugePages {
 public:
  HugePages() = default;
  // Zeroed; begins at a page. Throws std::bad_alloc.
  explicit HugePages(std::size_t size);
  HugePages(HugePages&& other) noexcept;
  HugePages& operator=(HugePages&& other) noexcept;
  ~HugePages();

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> mapping_;
  std::span<std::byte> bytes_;
};

}  // namespace sovereign
