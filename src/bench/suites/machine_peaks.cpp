#include "bench/suites/machine_peaks.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sovereign::bench {
namespace {

constexpr int kPasses = 20;

// Seconds of the fastest of several passes that all threads make together.
double fastest_pass(std::size_t threads, const std::function<void(std::size_t)>& work) {
  double fastest = 1e9;
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work, i);
    work(0);
    for (std::thread& other : others) other.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fastest = std::min(fastest, seconds.count());
  }
  return fastest;
}

#if defined(__x86_64__)
constexpr int kSteps = 2'000'000;
constexpr int kStepsUnrolled = 8;
constexpr int kMultiplyAddsPerVector = 32;

[[gnu::target("avx2")]] void multiply_and_add() {
  __m256i sums[kStepsUnrolled];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  __m256i weights = _mm256_set1_epi8(3);
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 8
    for (__m256i& sum : sums) {
      // Opaque, so that the compiler can neither hoist the product nor drop the sum.
      __m256i product;
      asm volatile("vpmaddubsw %2, %2, %0\n\tvpaddw %0, %1, %1" : "=&x"(product), "+x"(sum) : "x"(weights));
    }
  }
}
#endif

}  // namespace

double read_bytes_per_second(std::size_t threads) {
  constexpr std::size_t kWordsPerThread = (std::size_t{192} << 20U) / sizeof(std::uint64_t);
  std::vector<std::uint64_t> memory(kWordsPerThread * threads, 1);
  std::vector<std::uint64_t> sums(threads * 8);
  const double seconds = fastest_pass(threads, [&](std::size_t i) {
    const std::uint64_t* begin = memory.data() + i * kWordsPerThread;
    std::uint64_t parts[8] = {};
    for (std::size_t word = 0; word < kWordsPerThread; word += 8) {
      for (std::size_t part = 0; part < 8; ++part) parts[part] += begin[word + part];
    }
    sums[i * 8] = std::accumulate(std::begin(parts), std::end(parts), std::uint64_t{0});
  });
  // The sums are used, so they were computed.
  const bool read = std::accumulate(sums.begin(), sums.end(), std::uint64_t{0}) == memory.size();
  return read ? static_cast<double>(memory.size() * sizeof(std::uint64_t)) / seconds : 0;
}

double avx2_multiply_adds_per_second(std::size_t threads) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2")) return 0;
  const double seconds = fastest_pass(threads, [](std::size_t) { multiply_and_add(); });
  return static_cast<double>(threads) * kSteps * kStepsUnrolled * kMultiplyAddsPerVector / seconds;
#else
  static_cast<void>(threads);
  return 0;
#endif
}

}  // namespace sovereign::bench
