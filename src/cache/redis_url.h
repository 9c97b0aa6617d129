// Where a Redis server is: redis://[[user]:password@]host[:port][/database].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sovereign::cache {

struct RedisAddress {
  std::string host;
  std::uint16_t port = 6379;
  std::string user;      // empty: the default one
  std::string password;  // empty: none is sent
  std::uint32_t database = 0;
};

// Errors: invalid_argument, which never repeats the password; unsupported (rediss: encrypted).
result<RedisAddress> parse_redis_url(std::string_view url);

}  // namespace sovereign::cache
