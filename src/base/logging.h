// The program's log: one line per event, on stderr or in a file, as text or JSON.
//
// Code logs through spdlog's free functions (spdlog::info ...), which are thread-safe; start_logging()
// decides once, at the start of a command, where the lines go. Rule for callers: never a key, never a
// prompt or an answer at info or above.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace spdlog {
class formatter;
}

namespace sovereign {

struct LogSettings {
  std::string level = "info";   // trace, debug, info, warning, error, off
  std::string format = "text";  // text, json
  std::string file;             // appended to; empty: stderr
};

// Replaces the process's logger. Not thread-safe: call it before other threads log.
// Errors: invalid_argument (unknown level or format), permission_denied (the file cannot be opened).
result<void> start_logging(const LogSettings& settings);

// One JSON object per line: {"time":"2026-01-31T12:00:00.123Z","level":"info","message":"..."}.
// Bytes that are not UTF-8 are replaced, so that every line is valid JSON.
std::unique_ptr<spdlog::formatter> make_json_log_formatter();

}  // namespace sovereign
