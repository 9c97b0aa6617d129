// Where one HTTP/1.1 message ends in a stream of bytes: enough for a stub and a load generator, which must
// cost as little as possible.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sovereign::bench {

// Length of the first message in `bytes`, head and body; none while it is not whole. Understands
// Content-Length and chunked bodies without trailers; a message with neither has no body.
std::optional<std::size_t> http_message_length(std::string_view bytes);

}  // namespace sovereign::bench
