// How much of the server's CPU time is neither decode nor sampling.
//
// overhead = (CPU time of all threads but the engine's + engine time outside decode and sampling)
//            / CPU time of the process.
// The engine thread and the compute threads that it starts carry its name (kEngineThread). Compute threads
// may come and go with each decode, so they are never summed: the other threads, which live as long as the
// server, are. The engine's own share is its busy time less decode and sampling, as /metrics counts them
// (wall time: an upper bound of CPU time).
#pragma once

#include <string_view>
#include <vector>

#include "bench/suites/served_peer.h"

namespace sovereign::bench {

// Sum over the samples of one metric in Prometheus's text format, whatever their labels; 0 when absent.
double metric_value(std::string_view exposition, std::string_view name);

class OverheadMeter {
 public:
  static constexpr std::string_view kEngineThread = "sv-engine";

  // Around each run.
  void start(const ServedPeer& server);
  void stop(const ServedPeer& server);

  // False: no engine thread or no engine metrics were seen, so the share is unknown.
  bool known() const { return known_; }
  double overhead() const { return process_seconds_ > 0 ? overhead_seconds_ / process_seconds_ : 0; }
  // Of each run; not empty when known.
  const std::vector<double>& by_run() const { return by_run_; }

 private:
  struct Reading {
    double process_seconds = 0;
    double other_threads_seconds = 0;
    double engine_outside_seconds = 0;
    bool complete = false;
  };
  static Reading read(const ServedPeer& server);

  Reading before_;
  double process_seconds_ = 0;
  double overhead_seconds_ = 0;
  bool known_ = false;
  std::vector<double> by_run_;
};

}  // namespace sovereign::bench
