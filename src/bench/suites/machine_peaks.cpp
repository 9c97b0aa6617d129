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
constexpr int kStepsUnrolled = 16;  // enough of them to hide an instruction's latency

// Opaque to the compiler, which can neither hoist a product nor drop a sum.
[[gnu::target("avx2")]] void multiply_and_add() {
  __m256i sums[kStepsUnrolled / 2];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  const __m256i weights = _mm256_set1_epi8(3);
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 8
    for (__m256i& sum : sums) {
      __m256i product;
      asm volatile("vpmaddubsw %2, %2, %0\n\tvpaddw %0, %1, %1" : "=&x"(product), "+x"(sum) : "x"(weights));
    }
  }
}
constexpr double kMultiplyAdds = double{kSteps} * kStepsUnrolled / 2 * 32;

[[gnu::target("avx512f,avx512vnni")]] void multiply_and_add_vnni() {
  __m512i sums[kStepsUnrolled];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  const __m512i weights = _mm512_set1_epi8(3);
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 16
    for (__m512i& sum : sums) asm volatile("vpdpbusd %1, %1, %0" : "+v"(sum) : "v"(weights));
  }
}
constexpr double kVnniMultiplyAdds = double{kSteps} * kStepsUnrolled * 64;
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

Int8Peak int8_peak(std::size_t threads) {
#if defined(__x86_64__)
  const auto all = static_cast<double>(threads);
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512f")) {
    const double seconds = fastest_pass(threads, [](std::size_t) { multiply_and_add_vnni(); });
    return {"vpdpbusd, 512 bits", all * kVnniMultiplyAdds / seconds};
  }
  if (__builtin_cpu_supports("avx2")) {
    const double seconds = fastest_pass(threads, [](std::size_t) { multiply_and_add(); });
    return {"vpmaddubsw and vpaddw, 256 bits", all * kMultiplyAdds / seconds};
  }
#endif
  static_cast<void>(threads);
  return {"", 0};
}

}  // namespace sovereign::bench
