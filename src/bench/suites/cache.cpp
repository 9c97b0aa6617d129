#include "bench/suites/cache.h"

#include "bench/environment.h"

namespace sovereign::bench {

result<Report> run_cache_suite(const CacheOptions& options, const Progress& progress) {
  Report report;
  report.name = "cache";
  report.environment = read_environment(options.date);
  measure_cache_keys(options, progress, report);
  measure_cache_hits(options, progress, report);
  measure_cache_evictions(options, progress, report);
  if (auto done = measure_cache_disk(options, progress, report); !done) return fail(done.error());
  if (options.sovereign.empty()) {
    report.notes.push_back("without --sovereign nothing is measured over HTTP");
    return report;
  }
  if (auto done = measure_cache_http(options, progress, report); !done) return fail(done.error());
  return report;
}

}  // namespace sovereign::bench
