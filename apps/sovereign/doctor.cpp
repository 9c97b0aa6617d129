// sovereign doctor: can this machine serve, and if not, what to do.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <memory>

#include "base/system_info.h"
#include "command.h"
#include "doctor_checks.h"
#include "settings_flags.h"

namespace sovereign {
namespace {

namespace json = boost::json;

int examine(const SettingsFlags& flags, bool as_json) {
  // Only findings speak here; a library's warning would say the same a second time.
  spdlog::set_level(spdlog::level::off);
  const auto loaded = flags.load();
  const config::Settings settings = loaded ? loaded->settings : config::Settings{};
  std::vector<Finding> findings = {{"system", Verdict::ok, operating_system()},
                                   check_processor(),
                                   check_cores(settings),
                                   check_memory(settings),
                                   check_disk(),
                                   check_open_files(settings),
                                   check_gpu(settings),
                                   check_configuration(loaded),
                                   check_model(settings),
                                   check_port(settings)};
  for (auto& finding : check_backends(settings)) findings.push_back(std::move(finding));
  bool failed = false;
  json::array array;
  for (const Finding& finding : findings) {
    failed = failed || finding.verdict == Verdict::fail;
    if (as_json) {
      array.push_back({{"subject", finding.subject},
                       {"verdict", to_string(finding.verdict)},
                       {"message", finding.message}});
    } else {
      fmt::print("{:<5} {:<7} {}\n", to_string(finding.verdict), finding.subject, finding.message);
    }
  }
  if (as_json) fmt::print("{}\n", json::serialize(json::object{{"ok", !failed}, {"findings", array}}));
  return failed ? kExitFailure : kExitOk;
}

}  // namespace

void add_doctor_command(CLI::App& program, int& exit_code) {
  CLI::App* command =
      program.add_subcommand("doctor", "Check this machine and the configuration, line by line");
  auto flags =
      std::make_shared<SettingsFlags>(*command, std::vector<std::string_view>{"model", "engine", "server"});
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print JSON");
  command->callback([flags, as_json, &exit_code] { exit_code = examine(*flags, *as_json); });
}

}  // namespace sovereign
