#include "bench/suites/batched_bench.h"

#include <fmt/format.h>

#include "bench/peer_process.h"
#include "bench/suites/batched_lines.h"

namespace sovereign::bench {
namespace {

constexpr std::chrono::milliseconds kLimit{300'000};

}  // namespace

result<BatchSeconds> parse_batched_bench(std::string_view output) {
  BatchSeconds seconds;
  for_each_batched_line(output, [&](std::int64_t sequences, const boost::json::object& line) {
    const auto* const total = line.if_contains("t");
    if (total != nullptr && total->is_number())
      seconds[static_cast<std::uint32_t>(sequences)] = total->to_number<double>();
  });
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
                       "-ngl",
                       setup.peer_gpu_layers(),
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
