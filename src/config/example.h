// The commented configuration file that shows every key at its default.
#pragma once

#include <string>

namespace sovereign::config {

// Valid TOML; as it stands it sets nothing, and with each "#key = value" uncommented it sets the defaults.
std::string example_file();

}  // namespace sovereign::config
