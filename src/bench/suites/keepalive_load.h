// N clients that each send the same request over a kept connection, again and again: what a short request
// costs, without what a full HTTP client would add to every path.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace sovereign::bench {

struct KeepaliveLoad {
  std::uint16_t port = 0;  // of 127.0.0.1
  std::string path = "/v1/chat/completions";
  std::string body;
  std::string expected;  // that every answer must contain
  std::uint32_t clients = 8;
  // Between an answer and the client's next request: in the mean, and drawn anew each time (exponentially, as
  // people who do not know of each other think). Zero: at once, so that something is saturated and latency
  // only says how many are served in a second.
  std::chrono::milliseconds pause{0};
  // The pause is the same each time: the clients, which begin together, keep asking all at once.
  bool together = false;
  std::uint64_t seed = 1;
  std::chrono::milliseconds duration{1000};
};

struct KeepaliveRun {
  std::vector<double> latency_ms;  // of each request, first byte out to last byte in
  double wall_seconds = 0;

  double per_second() const {
    return wall_seconds > 0 ? static_cast<double>(latency_ms.size()) / wall_seconds : 0;
  }
};

// Errors: unavailable (no connection, one that was closed, a status other than 200, an answer without what
// is expected).
result<KeepaliveRun> run_keepalive_load(const KeepaliveLoad& load);

}  // namespace sovereign::bench
