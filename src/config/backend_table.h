// Every setting of a backend, documented in one place: the keys under [backends.NAME].
//
// There are as many such sections as there are backends, so these keys stand in the file only: neither the
// environment nor flags have names for them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/key.h"

namespace sovereign::config {

inline constexpr std::string_view kBackendsPrefix = "backends.";

// The keys of the backend of that name: "backends.NAME.url", … Setting one adds the backend when it is new.
std::vector<Key> backend_keys(const std::string& backend);

// Letters, digits, '-', '_' and '.', and not a word that means something else to routing.
result<void> check_backend_name(std::string_view name);

// What the keys of one backend demand of each other.
std::vector<Error> check_backends(const Settings& settings);

}  // namespace sovereign::config
