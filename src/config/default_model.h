// The pinned default model: which package carries it, and what its bytes must be.
//
// Taken from packaging/third-party.lock when the build is configured, so that the installed program needs
// no repository.
#pragma once

#include <string>
#include <string_view>

namespace sovereign::config {

struct PinnedModel {
  std::string_view package;  // Python package
  std::string_view version;
  std::string_view package_sha256;  // of the package file (a wheel), hexadecimal
  std::string_view member;          // path inside the package
  std::string_view sha256;          // of that file, hexadecimal

  std::string_view file_name() const { return member.substr(member.rfind('/') + 1); }
};

const PinnedModel& default_model();

}  // namespace sovereign::config
