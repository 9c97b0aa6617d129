// The lines of llama-batched-bench --output-format jsonl.
#pragma once

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string_view>

namespace sovereign::bench {

// Calls take(sequences, object) for each line that is a JSON object with the number of its sequences ("pl");
// other lines are the log's and are passed over.
template <class Take>
void for_each_batched_line(std::string_view output, Take&& take) {
  while (!output.empty()) {
    const std::size_t end = std::min(output.find('\n'), output.size());
    const std::string_view line = output.substr(0, end);
    output.remove_prefix(std::min(end + 1, output.size()));
    if (line.empty() || line.front() != '{') continue;
    boost::system::error_code ec;
    const auto value = boost::json::parse(boost::json::string_view(line.data(), line.size()), ec);
    const auto* const object = ec ? nullptr : value.if_object();
    const auto* const sequences = object == nullptr ? nullptr : object->if_contains("pl");
    if (sequences != nullptr && sequences->is_int64()) take(sequences->get_int64(), *object);
  }
}

}  // namespace sovereign::bench
