#include "suite_command.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace sovereign::bench {

void add_common_options(CLI::App& command, CommonOptions& common) {
  command.add_option("--out", common.out, "Folder for the report and the servers' logs")
      ->capture_default_str();
  command.add_flag("--silent", common.silent, "No progress on stderr");
}

result<void> make_folder(const std::filesystem::path& out) {
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (!error) return {};
  return fail(ErrorCode::permission_denied, fmt::format("cannot make {}: {}", out.string(), error.message()));
}

std::string now_as_text() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

int publish(const result<Report>& report, const std::filesystem::path& out) {
  if (!report) return complain(report.error());
  fmt::print("{}", to_table(*report));
  const auto file = write_report(*report, out);
  if (!file) return complain(file.error());
  fmt::print("\n{}\n", file->string());
  return kDone;
}

int complain(const Error& error) {
  fmt::print(stderr, "sovereign-bench: {}\n", error.message);
  return kFailed;
}

}  // namespace sovereign::bench
