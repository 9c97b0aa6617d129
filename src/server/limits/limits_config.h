// How often clients may ask; every field has a key of the same name under [limits].
#pragma once

#include <cstdint>

namespace sovereign::server {

struct LimitsConfig {
  std::uint32_t requests_per_minute = 0;      // of all clients together; 0: no limit
  std::uint32_t burst = 60;                   // that may come at once
  std::uint32_t key_requests_per_minute = 0;  // of one API key; 0: no limit
  std::uint32_t key_burst = 20;               // that may come at once
};

}  // namespace sovereign::server
