// Whether another machine answers too slowly to be asked: by the exponentially weighted mean of what its
// answers took, each counting an eighth. Pure; not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace sovereign::cache {

class Slowness {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // An answer on average slower than `limit` is too slow.
  explicit Slowness(Duration limit) : limit_(limit) {}

  // True: too slow. Never before the eighth answer: one late answer tells little.
  bool record(Duration took) {
    mean_ = answers_ == 0 ? took : mean_ + (took - mean_) / kWeight;
    if (answers_ < kWeight) ++answers_;
    return answers_ == kWeight && mean_ > limit_;
  }
  void forget() { answers_ = 0; }
  Duration limit() const { return limit_; }

 private:
  static constexpr int kWeight = 8;
  const Duration limit_;
  Duration mean_{};
  int answers_ = 0;
};

}  // namespace sovereign::cache
