#include "bench/suites/machine_peaks.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include "base/huge_pages.h"

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

constexpr std::size_t kStride = 512;

// Reads all bytes, a multiple of kStride, once. What it gives only keeps the compiler from leaving reads out.
std::uint64_t read_words(const std::byte* at, std::size_t size) {
  std::uint64_t parts[8] = {};
  for (const std::byte* const end = at + size; at < end; at += sizeof parts) {
    std::uint64_t words[8];
    std::memcpy(words, at, sizeof words);
    for (std::size_t part = 0; part < 8; ++part) parts[part] |= words[part];
  }
  return std::accumulate(std::begin(parts), std::end(parts), std::uint64_t{0}, std::bit_or{});
}

#if defined(__x86_64__)
constexpr std::size_t kAhead = 4096;

template <bool prefetch>
[[gnu::target("avx2")]] std::uint64_t read_avx2(const std::byte* at, std::size_t size) {
  __m256i parts[4] = {};
  for (const std::byte* const end = at + size; at < end; at += kStride) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kStride / 32; ++i) {
      if (prefetch && i % 2 == 0)
        _mm_prefetch(reinterpret_cast<const char*>(at) + kAhead + i * 32, _MM_HINT_T0);
      const auto* const from = reinterpret_cast<const __m256i*>(at + i * 32);
      parts[i % 4] = _mm256_or_si256(parts[i % 4], _mm256_loadu_si256(from));
    }
  }
  const __m256i all =
      _mm256_or_si256(_mm256_or_si256(parts[0], parts[1]), _mm256_or_si256(parts[2], parts[3]));
  return static_cast<std::uint64_t>(_mm256_extract_epi64(all, 0));
}

template <bool prefetch>
[[gnu::target("avx512f")]] std::uint64_t read_avx512(const std::byte* at, std::size_t size) {
  __m512i parts[4] = {};
  for (const std::byte* const end = at + size; at < end; at += kStride) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kStride / 64; ++i) {
      if (prefetch) _mm_prefetch(reinterpret_cast<const char*>(at) + kAhead + i * 64, _MM_HINT_T0);
      parts[i % 4] = _mm512_or_si512(parts[i % 4], _mm512_loadu_si512(at + i * 64));
    }
  }
  const __m512i all =
      _mm512_or_si512(_mm512_or_si512(parts[0], parts[1]), _mm512_or_si512(parts[2], parts[3]));
  std::uint64_t words[8];
  _mm512_storeu_si512(words, all);
  return words[0];
}
#endif

std::uint64_t read(const std::byte* at, std::size_t size, bool prefetch) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return prefetch ? read_avx512<true>(at, size) : read_avx512<false>(at, size);
  if (__builtin_cpu_supports("avx2"))
    return prefetch ? read_avx2<true>(at, size) : read_avx2<false>(at, size);
#endif
  static_cast<void>(prefetch);
  return read_words(at, size);
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

double read_bytes_per_second(std::size_t threads, std::size_t bytes) {
  const std::size_t part = bytes / threads / kStride * kStride;
  const HugePages memory(part * threads);
  std::ranges::fill(memory.bytes(), std::byte{1});  // a page that was never written is no memory
  std::atomic<std::uint64_t> sink = 0;
  double fastest = 1e9;
  for (const bool prefetch : {false, true}) {
    const double seconds = fastest_pass(
        threads, [&](std::size_t i) { sink += read(memory.bytes().data() + i * part, part, prefetch); });
    fastest = std::min(fastest, seconds);
  }
  return sink == 0 ? 0 : static_cast<double>(part * threads) / fastest;
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
