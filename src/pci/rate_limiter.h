// Token buckets per client, in bounded memory: the gate that keeps one client from keeping the others
// waiting.
//
// A client is a number that the caller makes from what a sender cannot choose: the peer's address or its API
// key, never the envelope's key, which anyone can write into a forgery to use up somebody's allowance.
// When the table is full, the client whose bucket is fullest (idle longest) is forgotten.
//
// Thread-safe; allocates in the constructor only.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

namespace sovereign::pci {

using ClientId = std::uint64_t;

struct RateLimit {
  double per_second = 0;  // 0: no limit
  double burst = 0;       // most at once; at least 1 with a limit
};

class RateLimiter {
 public:
  explicit RateLimiter(const RateLimit& limit, std::size_t most_clients = 4096);

  // Takes one from the client's bucket, if it has one.
  bool admit(ClientId client, std::uint64_t now_ms) noexcept;

 private:
  static constexpr std::size_t kWays = 8;
  struct Bucket {
    ClientId client = 0;
    double tokens = -1;  // negative: free
    std::uint64_t filled_ms = 0;
  };
  struct Set {
    std::mutex mutex;
    std::array<Bucket, kWays> buckets;
  };
  double tokens_at(const Bucket& bucket, std::uint64_t now_ms) const noexcept;

  const RateLimit limit_;
  std::vector<Set> sets_;
};

}  // namespace sovereign::pci
