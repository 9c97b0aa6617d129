// sovereign version: what this program is made of.
#include <fmt/format.h>
#include <ggml.h>
#include <llama.h>

#include <boost/json.hpp>

#include "base/build_info.h"
#include "command.h"

namespace sovereign {
namespace {

namespace json = boost::json;

std::string llama_cpp_version() {
  std::string version = SOVEREIGN_LLAMA_PACKAGE;
  return fmt::format("{}{}ggml {}", version, version.empty() ? "" : ", ", ggml_version());
}

void print_version(bool as_json) {
  const std::string_view commit = build_info::git_commit.empty() ? "unknown" : build_info::git_commit;
  if (as_json) {
    const json::object object{
        {"version", build_info::version},       {"commit", commit},
        {"llama_cpp", llama_cpp_version()},     {"compiler", build_info::compiler},
        {"build_type", build_info::build_type}, {"cpu_features", build_info::cpu_features},
        {"kernels", llama_print_system_info()}};
    fmt::print("{}\n", json::serialize(object));
    return;
  }
  fmt::print("sovereign {}\n", build_info::version);
  fmt::print("commit      {}\n", commit);
  fmt::print("llama.cpp   {}\n", llama_cpp_version());
  fmt::print("compiler    {}, {}\n", build_info::compiler, build_info::build_type);
  fmt::print("built for   {}\n", build_info::cpu_features);
  fmt::print("kernels     {}\n", llama_print_system_info());
}

}  // namespace

void add_version_command(CLI::App& program, int& exit_code) {
  CLI::App* command =
      program.add_subcommand("version", "Print the version and what the program was built from");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print JSON");
  command->callback([as_json, &exit_code] {
    print_version(*as_json);
    exit_code = kExitOk;
  });
}

}  // namespace sovereign
