// What one query showed about the arm that answered it, and the quantities that the arms are compared by.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace sovereign::gateway {

enum class Arm { control, variant };

constexpr std::string_view to_string(Arm arm) { return arm == Arm::control ? "control" : "variant"; }

enum class Metric {
  latency,      // seconds from the query's beginning to its result
  first_token,  // seconds to the first token
  token_time,   // seconds per token after the first: the inverse of tokens/s
  errors,       // queries without an answer
  quality,      // the answer's score, 0 to 1
};
inline constexpr std::array kMetrics = {Metric::latency, Metric::first_token, Metric::token_time,
                                        Metric::errors, Metric::quality};
// Quantities in seconds, of which less is better; they come first.
inline constexpr std::size_t kTimes = 3;

constexpr std::string_view to_string(Metric metric) {
  switch (metric) {
    case Metric::latency: return "latency";
    case Metric::first_token: return "first_token";
    case Metric::token_time: return "token_time";
    case Metric::errors: return "errors";
    case Metric::quality: return "quality";
  }
  return "latency";
}

// Of a query that was answered by computing, not from the cache.
struct Observation {
  Arm arm = Arm::control;
  bool failed = false;
  // The client did not wait for the end: the latency is the time until it left, and the query has no answer,
  // though that is nobody's failure.
  bool left = false;
  // Seconds, by Metric; none: not measured. Not of failures.
  std::array<std::optional<double>, kTimes> seconds{};
  std::optional<double> quality;
};

}  // namespace sovereign::gateway
