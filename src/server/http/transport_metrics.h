// What the transport counts. Relaxed atomics: written by the io threads, read by anyone.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace sovereign::server {

struct TransportMetrics {
  using Counter = std::atomic<std::uint64_t>;

  Counter connections_accepted{0};
  Counter connections_open{0};         // gauge
  Counter requests_in_flight{0};       // gauge: handlers at work
  std::array<Counter, 6> responses{};  // by status / 100; [0] is unused
  Counter slow_clients_dropped{0};     // did not read for write_timeout
  Counter clients_gone{0};             // closed while their handler worked
  Counter accept_failures{0};          // no file descriptor, no memory

  static void add(Counter& counter) { counter.fetch_add(1, std::memory_order_relaxed); }
  static void subtract(Counter& counter) { counter.fetch_sub(1, std::memory_order_relaxed); }
};

}  // namespace sovereign::server
