// Canonical JSON: text in, canonical text out, in one thread; beside the Python package rfc8785, which does
// the same work (json.loads, then rfc8785.dumps) on the same text.
#include <fmt/format.h>

#include <unistd.h>

#include <charconv>
#include <fstream>

#include "bench/peer_process.h"
#include "bench/suites/proof_documents.h"
#include "bench/suites/proof_group.h"
#include "crypto/canonical_json.h"

namespace sovereign::bench {
namespace {

constexpr std::size_t kDocumentBytes = std::size_t{1} << 20;
constexpr std::size_t kReceiptBytes = 2048;
constexpr std::chrono::milliseconds kPythonLimit{120'000};

struct PythonCosts {
  std::vector<double> both_ns;   // per call: parse and canonicalize
  std::vector<double> dumps_ns;  // canonicalize what was parsed before
};

// The script prints a line "BOTH DUMPS" of nanoseconds per round, CPU time too.
result<PythonCosts> time_python(const ProofOptions& options, const std::filesystem::path& document) {
  PeerCommand command;
  command.program = options.python;
  command.arguments = {options.python_script.string(), document.string(),
                       std::to_string(options.cost.rounds)};
  const auto output = run_tool(command, kPythonLimit);
  if (!output) return fail(output.error());
  PythonCosts costs;
  const char* p = output->data();
  const char* const end = p + output->size();
  while (p != end) {
    double both = 0;
    double dumps = 0;
    const auto first = std::from_chars(p, end, both);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') break;
    const auto second = std::from_chars(first.ptr + 1, end, dumps);
    if (second.ec != std::errc() || second.ptr == end || *second.ptr != '\n') break;
    costs.both_ns.push_back(both);
    costs.dumps_ns.push_back(dumps);
    p = second.ptr + 1;
  }
  if (p != end || costs.both_ns.size() != static_cast<std::size_t>(options.cost.rounds))
    return fail(ErrorCode::corrupt, fmt::format("unexpected output of {}", command.line()));
  return costs;
}

result<void> compare_with_python(ProofRun& run, const std::string& document,
                                 const std::vector<double>& ours_ns) {
  std::error_code ec;
  if (run.options.python.empty() || !std::filesystem::exists(run.options.python, ec)) {
    run.report.notes.emplace_back("canonical_json_vs_python is left out: no Python with the package rfc8785");
    return {};
  }
  const auto file =
      std::filesystem::temp_directory_path() / fmt::format("sovereign-bench-{}.json", ::getpid());
  std::ofstream(file, std::ios::binary) << document;
  const auto python = time_python(run.options, file);
  std::filesystem::remove(file, ec);
  if (!python) return fail(python.error());
  run.report.results.push_back(
      cost_result("1 MB of JSON, python: json.loads, rfc8785.dumps", python->both_ns));
  run.report.results.push_back(cost_result("1 MB of JSON, python: rfc8785.dumps alone", python->dumps_ns));
  run.add_ratio("canonical_json_vs_python", python->both_ns, ours_ns);
  run.add_ratio("canonical_json_vs_python_dumps_alone", python->dumps_ns, ours_ns);
  return {};
}

std::vector<double> mb_per_s(std::vector<double> ns, std::size_t bytes) {
  for (double& value : ns) value = static_cast<double>(bytes) * 1e3 / value;
  return ns;
}

}  // namespace

result<void> measure_canonical_json(ProofRun& run) {
  const std::string large = pattern_document(kDocumentBytes, run.options.seed);
  const std::string small = pattern_document(kReceiptBytes, run.options.seed);
  for (const std::string* text : {&large, &small})
    if (auto canonical = crypto::canonicalize(*text); !canonical) return fail(std::move(canonical.error()));
  crypto::Canonicalizer canonicalizer;
  const auto sides = [&canonicalizer](const std::string& text) -> std::vector<CostSide> {
    return {{"ours, memory kept", 1, [&canonicalizer, &text] { keep(canonicalizer.canonicalize(text)); }},
            {"ours, one call", 1, [&text] { keep(crypto::canonicalize(text)); }}};
  };
  const auto of_large = run.measure("1 MB of JSON", sides(large));
  const auto of_small = run.measure("2 KB of JSON", sides(small));
  run.add_figure("canonical_json_mb_s", mb_per_s(of_large[0], large.size()));
  run.add_figure("canonical_json_one_call_mb_s", mb_per_s(of_large[1], large.size()));
  run.add_figure("canonical_json_2kb_mb_s", mb_per_s(of_small[0], small.size()));
  run.add_figure("canonical_json_2kb_one_call_mb_s", mb_per_s(of_small[1], small.size()));
  return compare_with_python(run, large, of_large[0]);
}

}  // namespace sovereign::bench
