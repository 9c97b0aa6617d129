// The checks of `sovereign doctor`: each looks at one thing and says what to do about it.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace sovereign {

enum class Verdict { ok, warn, fail };
std::string_view to_string(Verdict verdict);

struct Finding {
  std::string subject;  // "memory"
  Verdict verdict = Verdict::ok;
  std::string message;  // what was found and, unless ok, what to do
};

// Nothing here changes the machine; the port is bound for an instant.
Finding check_configuration(const config::all_or_errors<config::Loaded>& loaded);
Finding check_processor();
Finding check_cores(const config::Settings& settings);
Finding check_memory(const config::Settings& settings);
Finding check_model(const config::Settings& settings);
Finding check_port(const config::Settings& settings);
Finding check_gpu(const config::Settings& settings);
Finding check_disk();
// One finding per backend.
std::vector<Finding> check_backends(const config::Settings& settings);
Finding check_open_files(const config::Settings& settings);

}  // namespace sovereign
