#include "bench/suites/overhead_meter.h"

#include <cstdlib>
#include <string>

#include "bench/process_usage.h"

namespace sovereign::bench {

double metric_value(std::string_view exposition, std::string_view name) {
  double sum = 0;
  while (!exposition.empty()) {
    const std::size_t end = std::min(exposition.find('\n'), exposition.size());
    const std::string line(exposition.substr(0, end));
    exposition.remove_prefix(std::min(end + 1, exposition.size()));
    if (line.compare(0, name.size(), name) != 0 || line.size() == name.size()) continue;
    const char next = line[name.size()];
    if (next != ' ' && next != '{') continue;  // a longer name
    const std::size_t value = next == '{' ? line.rfind('}') + 1 : name.size();
    sum += std::strtod(line.c_str() + value, nullptr);
  }
  return sum;
}

OverheadMeter::Reading OverheadMeter::read(const ServedPeer& server) {
  Reading reading;
  const std::string metrics = server.get("/metrics");
  const double busy = metric_value(metrics, "sovereign_engine_busy_seconds_total");
  reading.engine_outside_seconds = busy - metric_value(metrics, "sovereign_engine_decode_seconds_total") -
                                   metric_value(metrics, "sovereign_engine_sample_seconds_total");
  bool engine_seen = false;
  for (const ThreadUsage& thread : threads_of(server.process())) {
    if (thread.name == kEngineThread) {
      engine_seen = true;
    } else {
      reading.other_threads_seconds += thread.cpu_seconds;
    }
  }
  if (const auto usage = usage_of(server.process())) reading.process_seconds = usage->cpu_seconds;
  reading.complete = engine_seen && busy > 0 && reading.process_seconds > 0;
  return reading;
}

void OverheadMeter::start(const ServedPeer& server) { before_ = read(server); }

void OverheadMeter::stop(const ServedPeer& server) {
  const Reading after = read(server);
  if (!before_.complete || !after.complete) return;
  const double process = after.process_seconds - before_.process_seconds;
  const double overhead = after.other_threads_seconds - before_.other_threads_seconds +
                          after.engine_outside_seconds - before_.engine_outside_seconds;
  if (process <= 0) return;
  known_ = true;
  process_seconds_ += process;
  overhead_seconds_ += overhead;
  by_run_.push_back(overhead / process);
}

}  // namespace sovereign::bench
