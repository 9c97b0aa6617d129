// Names for requests, for logs on both sides.
#pragma once

#include <string>
#include <string_view>

namespace sovereign::server {

// The client's own id when it is sane (1 to 128 letters, digits, '.', '_', '-'), else a new one, unique
// in this process and unlikely to repeat in another. Thread-safe.
std::string choose_request_id(std::string_view offered);

}  // namespace sovereign::server
