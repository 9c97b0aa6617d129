// Streams requests to an OpenAI-compatible server and notes when each piece arrives.
//
// Closed loop: N clients, each sends its next request when the last one is answered. Open loop: requests
// arrive by a seeded Poisson process whatever the server does, and latencies count from the planned arrival,
// so that a stalled server cannot hide its stall by delaying the next request (coordinated omission).
//
// What is measured, per request: TTFT, to the first event with text; the gap before each later event with
// text; end to end, to the last byte. Tokens are the server's `usage`, not events: a server may join several
// tokens in one event. A gap is then what a reader waits between two pieces, and is not divided by the
// tokens of the piece, which no protocol field tells; joining tokens therefore never makes gaps look
// shorter. Time per output token, (last - first event) / (tokens - 1), is the divided figure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/http_client.h"

namespace sovereign::bench {

struct LoadRequest {
  std::string path = "/v1/completions";
  std::string body;
  // Starts when every request without this field has received so many events: a late comer.
  std::optional<std::uint32_t> after_events_of_others;
  // When not zero, an answer of another length is an error: the sides would not have done the same work.
  std::uint32_t expected_output_tokens = 0;
};

struct LoadOptions {
  std::string base_url;       // "http://127.0.0.1:8080"
  std::uint32_t clients = 8;  // closed loop only
  std::string api_key;
  net::HttpTimeouts timeouts{};
};

struct RequestRecord {
  double ttft_ms = 0;
  double total_ms = 0;
  double tpot_ms = 0;           // time per output token after the first
  std::vector<double> gaps_ms;  // before the second and each later event with text
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;  // of the prompt, as the server tells; 0 when it does not
  std::uint32_t output_tokens = 0;
  std::string error;  // empty: answered in full
};

struct LoadRun {
  std::vector<RequestRecord> records;  // in the order of the requests
  double wall_seconds = 0;             // first request out to last answer in
};

// Errors of single requests are in their records; the result is an error only when nothing could run
// (an open loop's rate that is not positive).
result<LoadRun> run_closed_loop(const LoadOptions& options, std::vector<LoadRequest> requests);
result<LoadRun> run_open_loop(const LoadOptions& options, std::vector<LoadRequest> requests,
                              double arrivals_per_second, std::uint64_t seed);

// Gaps between arrivals of a Poisson process, in seconds.
std::vector<double> poisson_gaps(std::size_t count, double arrivals_per_second, std::uint64_t seed);

}  // namespace sovereign::bench
