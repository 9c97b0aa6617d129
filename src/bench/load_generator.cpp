#include "bench/load_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>
#include <random>

#include "base/clock.h"
#include "bench/random.h"
#include "bench/stream_reader.h"

namespace sovereign::bench {
namespace {

namespace asio = boost::asio;

double milliseconds(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

// One run on one thread. Lives until its io_context has run dry.
class Run {
 public:
  Run(const LoadOptions& options, std::vector<LoadRequest> requests)
      : options_(options),
        requests_(std::move(requests)),
        events_seen_(requests_.size(), 0),
        late_gate_(context_, Time::max()),
        client_(context_.get_executor()) {
    run_.records.resize(requests_.size());
  }

  LoadRun closed() {
    for (std::uint32_t i = 0; i < options_.clients; ++i)
      asio::co_spawn(context_, client_loop(), asio::detached);
    return finish();
  }

  LoadRun open(const std::vector<double>& gaps_s) {
    Time arrival = clock_.now();
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      arrival += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(gaps_s[i]));
      asio::co_spawn(context_, arrive(i, arrival), asio::detached);
    }
    return finish();
  }

 private:
  LoadRun finish() {
    const Time start = clock_.now();
    context_.run();
    run_.wall_seconds = milliseconds(clock_.now() - start) / 1e3;
    return std::move(run_);
  }

  asio::awaitable<void> client_loop() {
    while (next_ < requests_.size()) {
      const std::size_t index = next_++;
      if (const auto after = requests_[index].after_events_of_others) {
        while (!others_have(*after)) co_await late_gate_.async_wait(asio::as_tuple(asio::use_awaitable));
      }
      co_await ask(index, clock_.now());
    }
  }

  asio::awaitable<void> arrive(std::size_t index, Time arrival) {
    asio::steady_timer timer(context_, arrival);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    co_await ask(index, arrival);
  }

  // True when all requests that are not late comers have so many events, or are over.
  bool others_have(std::uint32_t events) const {
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      if (!requests_[i].after_events_of_others && events_seen_[i] < events) return false;
    }
    return true;
  }

  asio::awaitable<void> ask(std::size_t index, Time start) {
    RequestRecord& record = run_.records[index];
    net::ClientRequest request = net::json_post(options_.base_url + requests_[index].path,
                                                std::move(requests_[index].body), options_.api_key);
    request.timeouts = options_.timeouts;
    StreamReader reader;
    Time first{};
    Time last{};
    const auto answer = co_await client_.stream_events(std::move(request), [&](const net::SseEvent& event) {
      const Time now = clock_.now();
      if (!reader.read(event.data)) return true;
      if (first == Time{}) {
        first = now;
        record.ttft_ms = milliseconds(now - start);
      } else {
        record.gaps_ms.push_back(milliseconds(now - last));
      }
      last = now;
      ++events_seen_[index];
      late_gate_.cancel();
      return true;
    });
    record.total_ms = milliseconds(clock_.now() - start);
    record.prompt_tokens = reader.prompt_tokens();
    record.cached_tokens = reader.cached_tokens();
    record.output_tokens = reader.output_tokens();
    if (record.output_tokens > 1) record.tpot_ms = milliseconds(last - first) / (record.output_tokens - 1);
    if (!answer) {
      record.error = answer.error().message;
    } else if (answer->status != 200) {
      record.error = fmt::format("status {}: {}", answer->status, answer->body.substr(0, 200));
    } else {
      record.error = reader.error();
    }
    const std::uint32_t expected = requests_[index].expected_output_tokens;
    if (record.error.empty() && expected != 0 && record.output_tokens != expected) {
      record.error = fmt::format("{} tokens came where {} were asked for", record.output_tokens, expected);
    }
    events_seen_[index] = UINT32_MAX;
    late_gate_.cancel();
  }

  const SteadyClock clock_;
  const LoadOptions& options_;
  std::vector<LoadRequest> requests_;
  std::vector<std::uint32_t> events_seen_;
  std::size_t next_ = 0;
  LoadRun run_;
  asio::io_context context_{1};
  asio::steady_timer late_gate_;  // never expires; cancelled whenever an event arrives
  net::HttpClient client_;
};

}  // namespace

std::vector<double> poisson_gaps(std::size_t count, double arrivals_per_second, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> gaps(count);
  for (double& gap : gaps) {
    gap = -std::log1p(-draw_fraction(random)) / arrivals_per_second;
  }
  return gaps;
}

result<LoadRun> run_closed_loop(const LoadOptions& options, std::vector<LoadRequest> requests) {
  const auto late = std::count_if(requests.begin(), requests.end(),
                                  [](const LoadRequest& r) { return r.after_events_of_others.has_value(); });
  // A late comer that occupies the last client would wait for requests that nobody sends.
  if (options.clients <= static_cast<std::uint32_t>(late) && !requests.empty()) {
    return fail(ErrorCode::invalid_argument, "a closed loop needs more clients than late comers", "clients");
  }
  return Run(options, std::move(requests)).closed();
}

result<LoadRun> run_open_loop(const LoadOptions& options, std::vector<LoadRequest> requests,
                              double arrivals_per_second, std::uint64_t seed) {
  if (!(arrivals_per_second > 0)) {
    return fail(ErrorCode::invalid_argument, "an open loop needs a positive rate of arrivals", "rate");
  }
  const auto gaps = poisson_gaps(requests.size(), arrivals_per_second, seed);
  return Run(options, std::move(requests)).open(gaps);
}

}  // namespace sovereign::bench
