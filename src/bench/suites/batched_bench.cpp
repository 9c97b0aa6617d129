#include "bench/suites/batched_bench.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "bench/peer_process.h"

namespace sovereign::bench {
namespace {

constexpr std::chrono::milliseconds kLimit{300'000};

}  // namespace

result<BatchSeconds> parse_batched_bench(std::string_view output) {
  BatchSeconds seconds;
  while (!output.empty()) {
    const std::size_t end = std::min(output.find('\n'), output.size());
    const std::string_view line = output.substr(0, end);
    output.remove_prefix(std::min(end + 1, output.size()));
    if (line.empty() || line.front() != '{') continue;
    boost::system::error_code ec;
    const auto value = boost::json::parse(boost::json::string_view(line.data(), line.size()), ec);
    const auto* const object = ec ? nullptr : value.if_object();
    if (object == nullptr) continue;
    const auto* const parallel = object->if_contains("pl");
    const auto* const total = object->if_contains("t");
    if (parallel == nullptr || total == nullptr || !parallel->is_int64() || !total->is_number()) continue;
    seconds[static_cast<std::uint32_t>(parallel->get_int64())] = total->to_number<double>();
  }
  if (seconds.empty()) return fail(ErrorCode::corrupt, "llama-batched-bench printed no figures");
  return seconds;
}

result<BatchSeconds> run_batched_bench(const std::filesystem::path& program, const ServingSetup& setup,
                                       std::uint32_t batch, std::uint32_t prompt_tokens,
                                       std::uint32_t output_tokens) {
  PeerCommand command;
  command.program = program;
  command.log = setup.log_folder / "llama-batched-bench.log";
  command.arguments = {"-m",
                       setup.model.string(),
                       "-c",
                       std::to_string(batch * (prompt_tokens + output_tokens)),
                       "-t",
                       std::to_string(setup.threads),
                       "-fa",
                       setup.flash_attention ? "on" : "off",
                       "-npp",
                       std::to_string(prompt_tokens),
                       "-ntg",
                       std::to_string(output_tokens),
                       "-npl",
                       fmt::format("1,{}", batch),
                       "--output-format",
                       "jsonl"};
  const auto output = run_tool(command, kLimit);
  if (!output) return fail(output.error());
  return parse_batched_bench(*output);
}

}  // namespace sovereign::bench
