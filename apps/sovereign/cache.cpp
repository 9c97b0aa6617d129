// sovereign cache: looks into a running server's response cache, and empties it.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "admin_client.h"
#include "command.h"
#include "console.h"

namespace sovereign {
namespace {

int print_answer(const AdminServer& server, const std::string& method, const std::string& path) {
  const auto response = call_admin(server, method, "/cache" + path);
  if (!response) return print_failure(response.error());
  fmt::print("{}\n", response->body);
  return kExitOk;
}

int print_done(const AdminServer& server, const std::string& path) {
  const auto response = call_admin(server, "DELETE", "/cache" + path);
  return response ? kExitOk : print_failure(response.error());
}

}  // namespace

void add_cache_command(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("cache", "Look into a server's response cache, or empty it");
  command->require_subcommand(1);
  const auto server = std::make_shared<AdminServer>();
  const auto key = std::make_shared<std::string>();
  add_server_options(*command->add_subcommand("stats", "Print counters and sizes of every level, as JSON"),
                     *server)
      .callback([server, &exit_code] { exit_code = print_answer(*server, "GET", ""); });
  add_server_options(*command->add_subcommand("clear", "Forget every answer, on disk and in Redis too"),
                     *server)
      .callback([server, &exit_code] { exit_code = print_done(*server, ""); });
  CLI::App& get =
      add_server_options(*command->add_subcommand("get", "Print one answer by its key, as JSON"), *server);
  get.add_option("key", *key, "The key, as the header X-Sovereign-Cache-Key tells it")
      ->type_name("KEY")
      ->required();
  get.callback([server, key, &exit_code] { exit_code = print_answer(*server, "GET", "/" + *key); });
}

}  // namespace sovereign
