// What this program was built from and for; fixed at build time.
#pragma once

#include <string_view>

namespace sovereign::build_info {

extern const std::string_view version;       // "0.1.0"
extern const std::string_view git_commit;    // short hash, "-dirty" when files had changed; empty: unknown
extern const std::string_view compiler;      // "GNU 12.2.0"
extern const std::string_view build_type;    // "Release"
extern const std::string_view cpu_features;  // instruction sets our own code was compiled for, spaces between

}  // namespace sovereign::build_info
