#include "bench/suites/kernel_peers.h"

#include <fmt/format.h>

#include <optional>

#include "bench/peer_process.h"
#include "bench/suites/batched_lines.h"

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
  std::optional<double> found;
  for_each_batched_line(output, [&](std::int64_t sequences, const boost::json::object& line) {
    const auto* const rate = line.if_contains(boost::json::string_view(key.data(), key.size()));
    if (sequences == parallel && rate != nullptr && rate->is_number()) found = rate->to_number<double>();
  });
  if (found) return *found;
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
