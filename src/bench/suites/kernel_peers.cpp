#include "bench/suites/kernel_peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "bench/peer_process.h"

namespace sovereign::bench {
namespace {

constexpr std::chrono::milliseconds kLimit{120'000};

result<std::string> run_batched(const KernelPeer& peer, const std::filesystem::path& model,
                                std::uint32_t threads, const char* prompt, const char* output,
                                const char* parallel) {
  PeerCommand command;
  command.program = peer.batched_bench;
  command.arguments = {"-m",
                       model.string(),
                       "-c",
                       "2048",
                       "-b",
                       "512",
                       "-ub",
                       "512",
                       "-t",
                       std::to_string(threads),
                       "-fa",
                       "on",
                       "-npp",
                       prompt,
                       "-ntg",
                       output,
                       "-npl",
                       parallel,
                       "--output-format",
                       "jsonl"};
  return run_tool(command, kLimit);
}

}  // namespace

result<double> batched_bench_rate(std::string_view output, std::int64_t parallel, std::string_view key) {
  while (!output.empty()) {
    const std::size_t end = std::min(output.find('\n'), output.size());
    const std::string_view line = output.substr(0, end);
    output.remove_prefix(std::min(end + 1, output.size()));
    if (line.empty() || line.front() != '{') continue;
    boost::system::error_code ec;
    const auto value = boost::json::parse(boost::json::string_view(line.data(), line.size()), ec);
    const auto* const object = ec ? nullptr : value.if_object();
    if (object == nullptr) continue;
    const auto* const sequences = object->if_contains("pl");
    const auto* const rate = object->if_contains(boost::json::string_view(key.data(), key.size()));
    if (sequences == nullptr || !sequences->is_int64() || sequences->get_int64() != parallel) continue;
    if (rate != nullptr && rate->is_number()) return rate->to_number<double>();
  }
  return fail(ErrorCode::corrupt,
              fmt::format("llama-batched-bench printed no {} for {} sequences", key, parallel));
}

result<PeerRates> time_peer(const KernelPeer& peer, const std::filesystem::path& model,
                            std::uint32_t threads) {
  const auto prompt = run_batched(peer, model, threads, "512", "1", "1");
  if (!prompt) return fail(prompt.error());
  const auto steps = run_batched(peer, model, threads, "16", "32", "1,8");
  if (!steps) return fail(steps.error());
  const auto prefill = batched_bench_rate(*prompt, 1, "speed_pp");
  const auto batch8 = batched_bench_rate(*steps, 8, "speed_tg");
  const auto batch1 = batched_bench_rate(*steps, 1, "speed_tg");
  if (!prefill) return fail(prefill.error());
  if (!batch8) return fail(batch8.error());
  if (!batch1) return fail(batch1.error());
  return PeerRates{*prefill, *batch8, *batch1};
}

}  // namespace sovereign::bench
