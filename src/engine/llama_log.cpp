#include "engine/llama_log.h"

#include <llama.h>
#include <spdlog/spdlog.h>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace sovereign::engine {
namespace {

spdlog::level::level_enum level_of(ggml_log_level level) {
  switch (level) {
    case GGML_LOG_LEVEL_ERROR: return spdlog::level::err;
    case GGML_LOG_LEVEL_WARN: return spdlog::level::warn;
    case GGML_LOG_LEVEL_INFO: return spdlog::level::debug;
    default: return spdlog::level::trace;
  }
}

// Said of every cache that is larger than one sequence may be; ours holds many, and Engine bounds each.
bool misleads(std::string_view line) { return line.find("possible training context overflow") != line.npos; }

thread_local std::string last_error;

// llama.cpp prints a line in pieces (dots of progress come one by one); a piece that continues a line
// has level CONT. Lines are put together per thread, so threads never mix theirs.
void on_log(ggml_log_level level, const char* text, void* /*unused*/) {
  thread_local std::string line;
  thread_local spdlog::level::level_enum line_level = spdlog::level::trace;
  if (level != GGML_LOG_LEVEL_CONT) line_level = level_of(level);
  line += text;
  for (std::size_t end = line.find('\n'); end != std::string::npos; end = line.find('\n')) {
    const std::string_view whole = std::string_view(line).substr(0, end);
    if (end > 0) spdlog::log(misleads(whole) ? spdlog::level::trace : line_level, "llama: {}", whole);
    if (end > 0 && line_level == spdlog::level::err) last_error = line.substr(0, end);
    line.erase(0, end + 1);
  }
}

}  // namespace

void start_llama() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(on_log, nullptr);
    llama_backend_init();
  });
}

std::string take_last_llama_error() { return std::exchange(last_error, {}); }

}  // namespace sovereign::engine
