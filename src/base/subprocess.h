// Runs another program to its end and collects what it wrote.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sovereign {

struct SubprocessOptions {
  std::filesystem::path working_directory;                         // empty: this process's
  std::vector<std::pair<std::string, std::string>> environment{};  // set on top of this process's
  // Asked about ten times a second; true ends the child with SIGTERM. May be empty.
  std::function<bool()> cancelled{};
};

struct SubprocessOutput {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string text;    // stdout and stderr together, the last 256 KiB
};

// `arguments[0]` is looked up in PATH; its standard input is empty. Blocks the caller.
// Errors: not_found (no such program), cancelled, internal.
result<SubprocessOutput> run_subprocess(const std::vector<std::string>& arguments,
                                        const SubprocessOptions& options = {});

}  // namespace sovereign
