// The roadmap's 'before' of inference: one lock around the whole of a generation, so clients wait in line;
// no batching, no shared prefixes, nothing kept between requests. Linked by benchmarks only.
//
// Kept as fast as that design allows, so that the comparison is about the design: the prompt is decoded in
// one batch, greedy choice scans the logits once, there is no HTTP in the way, and the lock serves in order
// of arrival (an unfair lock would starve clients and flatter whoever is compared with it).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/result.h"

namespace sovereign::roadmap {

struct SerialLockConfig {
  std::uint32_t context_tokens = 4096;
  std::uint32_t threads = 1;
  bool flash_attention = true;
  std::int32_t gpu_layers = 0;
};

// generate() and count_tokens() are thread-safe.
class SerialLock {
 public:
  static result<std::unique_ptr<SerialLock>> create(const std::filesystem::path& model,
                                                    const SerialLockConfig& config);
  ~SerialLock();
  SerialLock(const SerialLock&) = delete;
  SerialLock& operator=(const SerialLock&) = delete;

  // Waits for its turn, then generates exactly `max_tokens` tokens, greedily, past any end token. Gives the
  // tokens generated. Errors: invalid_argument (too long), internal (decode failed).
  result<std::uint32_t> generate(std::string_view prompt, std::uint32_t max_tokens);

  // As the server counts a raw prompt.
  std::size_t count_tokens(std::string_view text) const;

 private:
  struct Llama;
  explicit SerialLock(std::unique_ptr<Llama> llama);

  std::unique_ptr<Llama> llama_;
  std::mutex mutex_;
  std::condition_variable turn_;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t serving_ = 0;
};

}  // namespace sovereign::roadmap
