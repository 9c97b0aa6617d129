#include "bench/environment.h"

#include <fstream>

#include "base/build_info.h"
#include "base/system_info.h"

namespace sovereign::bench {
namespace {

std::string first_line(const char* file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// proc_stat(5): the first line's eighth number is stolen time.
double steal_percent() {
  std::ifstream in("/proc/stat");
  std::string label;
  in >> label;
  double total = 0;
  double steal = 0;
  double value = 0;
  for (int i = 0; i < 8 && in >> value; ++i) {
    total += value;
    if (i == 7) steal = value;
  }
  return total > 0 ? steal / total * 100 : 0;
}

}  // namespace

Environment read_environment(std::string date) {
  Environment environment;
  const CpuInfo cpu = cpu_info();
  environment.date = std::move(date);
  environment.cpu_model = cpu.model;
  environment.cpu_features = cpu.features;
  environment.logical_cpus = cpu.logical;
  environment.physical_cpus = cpu.physical;
  environment.memory_bytes = memory_info().total_bytes;
  environment.operating_system = operating_system();
  environment.cpu_governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  environment.steal_percent = steal_percent();
  std::ifstream("/proc/loadavg") >> environment.load_average;
  environment.compiler = build_info::compiler;
  environment.build_type = build_info::build_type;
  environment.compiled_for = build_info::cpu_features;
  environment.version = build_info::version;
  environment.git_commit = build_info::git_commit;
  return environment;
}

}  // namespace sovereign::bench
